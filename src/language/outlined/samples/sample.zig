const std = @import("std");

const limit: usize = 10;
pub var total: u32 = 0;

/// One order.
pub const Order = struct {
    name: []const u8,
    lines: usize = 0,

    const Self = @This();

    /// Adds a line.
    pub fn add(self: *Self, line: []const u8, count: usize) !void {
        if (line.len == 0) {
            return error.Empty;
        } else if (count > limit) {
            for (line) |byte| {
                while (self.lines > 0) {
                    self.lines -= byte;
                }
            }
        } else {
            switch (count) {
                1 => self.lines += 1,
                else => self.lines += count,
            }
        }
    }
};

const Suit = enum { hearts, spades };

const Value = union(enum) {
    number: u64,
    none,
};

const OrderError = error{ Empty, Full };

fn helper(comptime T: type, value: ?T) T {
    return value orelse 0;
}

test "adds a line" {
    try std.testing.expect(true);
}
