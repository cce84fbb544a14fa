#!/usr/bin/perl
use strict;
use warnings;
use Shop::Store;

package Shop::Order;

our $VERSION = '1.0';
use constant LIMIT => 10;
my %names = (a => 1);

=head1 NAME

Shop::Order - one order

=cut

# Opens one.
sub new {
    my ($class, %args) = @_;
    return bless { %args }, $class;
}

# Adds a line.
sub add {
    my ($self, $line, $count) = @_;
    if (!defined $line) {
        die "empty";
    } elsif ($count > LIMIT) {
        foreach my $one (@{ $self->{lines} }) {
            while ($one > 0) {
                $one--;
            }
        }
    } else {
        push @{ $self->{lines} }, $line;
    }
    return $self;
}

package Shop::Cart {
    sub size {
        return 1;
    }
}

1;
