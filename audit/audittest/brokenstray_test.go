package audittest_test

import (
	"context"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// blind and suspicious are wrong about rows that no other method reads.
type (
	blind      struct{ *auditmem.Store }
	suspicious struct{ *auditmem.Store }
)

func (s blind) Stray(ctx context.Context) (audit.RowError, bool, error) {
	_, _, err := s.Store.Stray(ctx)
	return audit.RowError{}, false, err
}

func (s suspicious) Stray(ctx context.Context) (audit.RowError, bool, error) {
	heads, err := s.Heads(ctx)
	return audit.RowError{Table: "troth_audit_entry", Place: "log 2"}, len(heads) > 1, err
}

type distrustful struct{ *auditmem.Store }

func (distrustful) Indexes([]audit.Head) audit.IndexCheck { return noIndex{} }

type noIndex struct{}

func (noIndex) Read(context.Context) error { return nil }
func (noIndex) Begin()                     {}
func (noIndex) Row(*audit.LogRow)          {}
func (noIndex) Misindexed(context.Context) (audit.RowError, bool, error) {
	return audit.RowError{Table: "troth_audit_entry", Place: "an index"}, true, nil
}
