// Package auditfault makes the trail's store fail on purpose, for tests.
package auditfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// New returns s under the plan, which knows the methods by their own names. t is
// what Transactor gives out: that of s, or faultstore.Transactor around it.
func New(s audit.Backend, t troth.Transactor, p *faultstore.Plan) audit.Backend {
	return &store{inner: s, tx: t, plan: p}
}

type store struct {
	inner audit.Backend
	tx    troth.Transactor
	plan  *faultstore.Plan
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	return faultstore.Do(ctx, s.plan, "Append", func() (bool, error) { return s.inner.Append(ctx, row) })
}

func (s *store) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	return faultstore.Do(ctx, s.plan, "Entries", func() ([]audit.InboxRow, error) { return s.inner.Entries(ctx, p) })
}

func (s *store) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	return look(ctx, s, "Pseudonym", func() (audit.PseudonymRow, bool, error) { return s.inner.Pseudonym(ctx, name) })
}

func (s *store) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	return faultstore.Do(ctx, s.plan, "InsertPseudonym", func() (bool, error) { return s.inner.InsertPseudonym(ctx, row) })
}

func (s *store) DeletePseudonym(ctx context.Context, name audit.PseudonymName) (bool, error) {
	return faultstore.Do(ctx, s.plan, "DeletePseudonym", func() (bool, error) { return s.inner.DeletePseudonym(ctx, name) })
}

func (s *store) Backlog(ctx context.Context) (audit.Backlog, error) {
	return faultstore.Do(ctx, s.plan, "Backlog", func() (audit.Backlog, error) { return s.inner.Backlog(ctx) })
}

func (s *store) Managed(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.plan, "Managed", func() (bool, error) { return s.inner.Managed(ctx) })
}

func (s *store) SetManaged(ctx context.Context) error {
	return faultstore.Run(ctx, s.plan, "SetManaged", func() error { return s.inner.SetManaged(ctx) })
}
