<?php

namespace Shop\Orders;

use Shop\Store;
use function Shop\helper;

const LIMIT = 10;
define('OTHER', 1);

/**
 * One order.
 */
final class Order extends Base implements Countable
{
    use Logs;

    public const VERSION = '1';
    private array $lines = [];

    public function __construct(private Store $store, ?int $limit = null)
    {
    }

    /** Adds a line. */
    public function add(string $line, int ...$counts): static
    {
        if ($line === '') {
            throw new \InvalidArgumentException();
        } elseif (count($counts) > self::VERSION) {
            foreach ($counts as $count) {
                $this->lines[] = $count;
            }
        } else {
            $this->lines[] = match ($line) { 'a' => 1, default => 2 };
        }
        return $this;
    }

    abstract protected function size(): int;
}

interface Countable
{
    public function count(): int;
}

trait Logs
{
    public function log(string $text): void {}
}

enum Suit: string
{
    case Hearts = 'H';

    public function label(): string { return $this->name; }
}

# A helper.
function helper(?string $value): string
{
    return $value ?? '';
}
