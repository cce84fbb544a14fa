/*
 * Licence.
 */
package shop.shapes;

import java.util.*;
import java.util.List;
import static java.lang.Math.max;

/**
 * A shape, and what is made of it.
 *
 * @param <T> what it holds
 */
@Deprecated(since = "2")
@SuppressWarnings({"unchecked", "rawtypes"})
public abstract sealed class Shape<T extends Comparable<T> & Cloneable> extends Base<T> implements Drawable, Iterable<T> permits Circle, Square {
    /** The limit. */
    public static final int LIMIT = 3 * (1 + 2);
    static final String NAME = "shape" + LIMIT;
    protected final Map<String, List<? extends T>> tags = new HashMap<>();
    private int[] sides, corners[];
    Runnable later = () -> paint(null);

    static {
        System.out.println(NAME);
    }

    public Shape(T first, final int... rest) throws IOException, java.io.EOFException {
        super(first);
        this.sides = rest;
    }

    /**
     * The area.
     *
     * @param unit in what
     */
    @Override
    public double area(Unit unit, boolean exact) {
        for (int i = 0; i < sides.length; i++) {
            if (exact && unit == null) {
                return 1;
            } else if (i > 3) {
                continue;
            }
        }
        return switch (unit) {
            case METRE, FOOT -> unit.size();
            case null -> 0;
            default -> { yield 2; }
        };
    }

    abstract <R extends Number> R paint(@Nullable Canvas canvas);

    Object describe(Object o) {
        if (o instanceof Circle c && c.radius() > 0) return c;
        if (!(o instanceof Point(int x, var y))) throw new IllegalStateException();
        try (var in = open(); Reader other = in.reader()) {
            List.of(1, 2).stream().map(Integer::toString).filter(s -> !s.isEmpty()).forEach(System.out::println);
        } catch (IOException | RuntimeException e) {
            throw e;
        } finally {
            close();
        }
        Comparator<T> order = new Comparator<>() {
            @Override
            public int compare(T a, T b) {
                return a.compareTo(b);
            }
        };
        return x + y + """
            text "block"
            """;
    }

    enum Unit {
        METRE(1),
        /** Short. */
        FOOT(3) {
            @Override
            int size() { return 30; }
        };

        private final int size;

        Unit(int size) { this.size = size; }

        int size() { return size; }
    }

    public record Point(int x, int y) {
        public Point {
            if (x < 0) throw new IllegalArgumentException("x");
        }

        static Point origin() { return new Point(0, 0); }
    }

    @interface Marked {
        String value() default "none";
        int[] levels() default {1, 2};
    }
}

interface Drawable {
    int DEPTH = 1;

    void draw(Canvas on);

    default void twice(Canvas on) {
        draw(on);
        draw(on);
    }
}

final class ShapeTest {
    @Test
    void opens() {
        assert new Circle(1).area(null, true) > 0 : "empty";
        outer: while (true) { break outer; }
    }
}
