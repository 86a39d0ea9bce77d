package main

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

// notes is the host's one table. The keeper hides and destroys rows of it.
type notes struct {
	handle *sqlstore.Handle
	keeper *retention.Keeper
}

var _ retention.Handler = (*notes)(nil)

func keyOf(id string) retention.RecordKey {
	return retention.RecordKey{Tenant: "acme", Type: "note", ID: id}
}

// write writes a note of an account, in one transaction with its record.
func (n *notes) write(ctx context.Context, id, account string) error {
	return n.handle.Atomically(ctx, func(ctx context.Context) error {
		if err := n.exec(ctx, "INSERT INTO note (id, visible) VALUES (?, 'all')", id); err != nil {
			return err
		}
		return n.keeper.Created(ctx, retention.NewRecord{RecordKey: keyOf(id), AccountID: account, SubjectID: "ada"})
	})
}

// visible says who sees a note.
func (n *notes) visible(ctx context.Context, id string) (to string, err error) {
	found, err := sqlstore.QueryRow(ctx, n.handle.Querier(ctx), "SELECT visible FROM note WHERE id = ?", []any{id}, &to)
	if err == nil && !found {
		to = "gone"
	}
	return to, err
}

// exec changes one row, or says that there is none.
func (n *notes) exec(ctx context.Context, text string, args ...any) error {
	res, err := n.handle.Querier(ctx).Exec(ctx, text, args...)
	if err != nil {
		return err
	}
	if changed, err := res.RowsAffected(); err != nil || changed == 0 {
		return retention.ErrNotFound
	}
	return nil
}

// Hide implements retention.Handler.
func (n *notes) Hide(ctx context.Context, o retention.Order) error {
	return n.exec(ctx, "UPDATE note SET visible = ? WHERE id = ?", string(o.Visible), o.ID)
}

// Restore implements retention.Handler.
func (n *notes) Restore(ctx context.Context, o retention.Order) error { return n.Hide(ctx, o) }

// Destroy implements retention.Handler: without leave nothing goes.
func (n *notes) Destroy(ctx context.Context, o retention.Order) error {
	if err := n.keeper.Check(ctx, o); err != nil {
		return err
	}
	return n.exec(ctx, "DELETE FROM note WHERE id = ?", o.ID)
}

// Anonymise implements retention.Handler. No class of the policy ends so.
func (n *notes) Anonymise(ctx context.Context, o retention.Order) error { return n.Destroy(ctx, o) }

// Count implements retention.Handler.
func (n *notes) Count(ctx context.Context, _ troth.Tenant) (count int64, err error) {
	_, err = sqlstore.QueryRow(ctx, n.handle.Querier(ctx), "SELECT COUNT(*) FROM note", nil, &count)
	return count, err
}
