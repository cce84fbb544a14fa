// Package shapes has shapes.
package shapes

import (
	"context"
	"fmt"
	m "math"
	. "strings"
	_ "embed"
)

// Kind of a shape.
type Kind int

const (
	Round Kind = iota
	Square // with corners
	Other
)

var ErrNone = fmt.Errorf("none")
var names, count = map[Kind]string{Round: "round"}, 3

// Shape is anything with an area.
type Shape interface {
	fmt.Stringer
	Area() float64
}

type base struct {
	Name string `json:"name"`
	tags []string
}

// Circle is round.
type Circle struct {
	*base
	Radius float64
	inner  struct{ depth int }
}

type List[T any] struct {
	items []T
}

type Alias = Circle
type Handler func(ctx context.Context, shape Shape) error

// Area is its area.
func (c *Circle) Area() float64 { return m.Pi * c.Radius * c.Radius }

func (l *List[T]) First() (first T, ok bool) {
	if len(l.items) == 0 {
		return first, false
	}
	return l.items[0], true
}

func Map[T, U any](all []T, f func(T) U) []U {
	var out []U
	for _, one := range all {
		out = append(out, f(one))
	}
	return out
}

func New(radius float64, tags ...string) (*Circle, error) {
	c := &Circle{base: &base{Name: ToUpper("c"), tags: tags}, Radius: radius}
	switch x := any(c).(type) {
	case Shape:
		_ = x.Area()
	default:
		return nil, ErrNone
	}
	go func() { defer fmt.Println(c.Name) }()
	return c, nil
}

func init() {
	names[Square] = "square"
}
