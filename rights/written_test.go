package rights_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// toll is a store that counts what it is asked for.
type toll struct {
	rights.Backend
	calls map[string]int
}

func (s toll) InsertEvents(ctx context.Context, rows []rights.EventRow) (int, error) {
	s.calls["insert events"]++
	return s.Backend.InsertEvents(ctx, rows)
}

func (s toll) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	s.calls["write items"]++
	return s.Backend.WriteItems(ctx, rows)
}

func (s toll) PutItem(ctx context.Context, row rights.ItemRow) error {
	s.calls["put item"]++
	return s.Backend.PutItem(ctx, row)
}

func (s toll) Item(ctx context.Context, key rights.ItemKey) (rights.ItemRow, bool, error) {
	s.calls["item"]++
	return s.Backend.Item(ctx, key)
}

func (s toll) ItemsAt(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
	s.calls["items at"]++
	return s.Backend.ItemsAt(ctx, keys)
}

func (s toll) Request(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	s.calls["request"]++
	return s.Backend.Request(ctx, tenant, id)
}

func (s toll) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
	s.calls["file"]++
	return s.Backend.File(ctx, tenant, id, kinds)
}

func (s toll) Items(ctx context.Context, q rights.ItemQuery) ([]rights.ItemRow, error) {
	s.calls["items"]++
	return s.Backend.Items(ctx, q)
}

func (s toll) DeleteItem(ctx context.Context, key rights.ItemKey) (bool, error) {
	s.calls["delete item"]++
	return s.Backend.DeleteItem(ctx, key)
}

func (s toll) Events(ctx context.Context, tenant troth.Tenant, id string) ([]rights.EventRow, error) {
	s.calls["events"]++
	return s.Backend.Events(ctx, tenant, id)
}

// TestErase_WritesEachKindOnceInATransaction: of five sources, with their events, each of the
// three transactions writes all that it has at its end; what is known is not read again.
func TestErase_WritesEachKindOnceInATransaction(t *testing.T) {
	s, w := undoing(t)
	r := w.accepted(rights.Erase)
	asking := toll{w.store, map[string]int{}}
	require.NoError(t, w.openOn(asking, s.options()...).Step(w.ctx, acme, r.ID))
	require.Equal(t, map[string]int{"file": 1, "items at": 1, "insert events": 1, "write items": 1}, asking.calls)
	_, err := w.desk.Approve(w.ctx, acme, r.ID)
	require.NoError(t, err)
	erasing := toll{w.store, map[string]int{}}
	require.NoError(t, w.openOn(erasing, s.options()...).Step(w.ctx, acme, r.ID))
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
	require.Equal(t, map[string]int{"file": 1, "insert events": 2, "write items": 2}, erasing.calls)
	require.Len(t, w.trail.events(rights.SourceDone), 5)
}
