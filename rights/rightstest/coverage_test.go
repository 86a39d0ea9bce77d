package rightstest

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// able can do everything.
type able struct{}

func (able) Types() []export.Type { return nil }

func (able) Export(context.Context, rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(func(export.Record, error) bool) {}
}

func (able) Erase(context.Context, rights.Inquiry) (rights.Report, error) {
	return rights.Report{}, nil
}

func (able) Correct(context.Context, rights.Inquiry) (rights.Report, error) {
	return rights.Report{}, nil
}

// told keeps what a test was told.
type told struct {
	testing.TB
	said []string
}

func (*told) Helper() {}

func (c *told) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

func TestCoverage_NamesWhatNobodyDoes(t *testing.T) {
	whole := rights.Source{Name: "tables", Records: []string{"customer"}, Exporter: able{}, Eraser: able{}, Corrector: able{}}
	Coverage(t, []rights.Source{whole}, "customer")
	for name, lacks := range map[string]func(s *rights.Source){
		"exported":  func(s *rights.Source) { s.Exporter = nil },
		"erased":    func(s *rights.Source) { s.Eraser = nil },
		"corrected": func(s *rights.Source) { s.For = []rights.Right{rights.Access, rights.Erase} },
	} {
		s := whole
		lacks(&s)
		c := &told{TB: t}
		Coverage(c, []rights.Source{s}, "customer")
		require.Len(t, c.said, 1, name)
		require.Contains(t, c.said[0], name)
	}
	c := &told{TB: t}
	Coverage(c, []rights.Source{whole}, "customer", "order")
	require.Len(t, c.said, 3, "of a type that nobody registered")
}
