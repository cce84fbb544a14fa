require 'json'
require_relative 'store'

# What a shop sells.
module Shop
  LIMIT = 10

  # One order.
  class Order < Base
    attr_reader :lines, :total

    def self.load(path, strict: true)
      new(JSON.parse(File.read(path)))
    end

    # Adds a line.
    def add(line, count = 1)
      return if count.zero?
      if line.nil?
        raise ArgumentError
      elsif @lines.full?
        @lines.grow
      else
        @lines.each { |one| one.touch unless one == line }
      end
    end

    class << self
      def empty = new([])
    end

    alias_method :append, :add
    alias push add
  end

  class Error < StandardError; end
end

class Shop::Cart
  def size() @size end
end

def helper(value)
  value&.to_s
end
