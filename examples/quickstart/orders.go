package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

//go:embed policy.yaml
var policyYAML []byte

// orderType is the record type of orders, as the policy names it.
const orderType = "order"

// orders carries the policy out on the shop's table of orders.
type orders struct{ kit *kit.Kit }

var _ retention.Handler = (*orders)(nil)

// Hide and Restore write who may see an order; the shop's queries ask for it.
func (h *orders) Hide(ctx context.Context, o retention.Order) error { return h.show(ctx, o) }

func (h *orders) Restore(ctx context.Context, o retention.Order) error { return h.show(ctx, o) }

func (h *orders) show(ctx context.Context, o retention.Order) error {
	return h.one(ctx, "UPDATE purchase SET visible = $3 WHERE shop = $1 AND id = $2", string(o.Tenant), o.ID, string(o.Visible))
}

// Destroy deletes an order, with the keeper's leave alone.
func (h *orders) Destroy(ctx context.Context, o retention.Order) error {
	if err := h.kit.Keeper.Check(ctx, o); err != nil {
		return err
	}
	return h.one(ctx, "DELETE FROM purchase WHERE shop = $1 AND id = $2", string(o.Tenant), o.ID)
}

// Anonymise is nothing that this shop's policy asks for.
func (h *orders) Anonymise(context.Context, retention.Order) error { return errors.ErrUnsupported }

func (h *orders) Count(ctx context.Context, tenant troth.Tenant) (n int64, err error) {
	_, err = sqlstore.QueryRow(ctx, h.kit.Handle.Querier(ctx),
		"SELECT count(*) FROM purchase WHERE shop = $1", []any{string(tenant)}, &n)
	return n, err
}

// one runs a statement that is about one order, in the keeper's transaction.
func (h *orders) one(ctx context.Context, statement string, args ...any) error {
	done, err := h.kit.Handle.Querier(ctx).Exec(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return retention.ErrNotFound
}

// retention has the kit keep the shop's policy.
func (s *shop) retention(k *kit.Kit) []retention.Option {
	return []retention.Option{
		retention.WithRecords(orderType, retention.Registration{Handler: &orders{k}}),
		retention.UnsafeWithoutApproval(), // a shop with one officer, and an afternoon
		// Work of the shop's is about orders that are done: holds on orders do not keep it.
		retention.WithDisposal(task.PayloadDisposal, retention.DisposalRule{Class: "work"}),
		retention.WithLease(2 * time.Second), // for who runs this again right after killing it
		retention.WithClock(func() time.Time { return time.Now().AddDate(0, 0, s.ahead) }),
	}
}

// activate puts the shop's policy in force. Doing it at each start changes nothing.
func (s *shop) activate(ctx context.Context) error {
	policy, err := retention.ParseYAML(policyYAML)
	if err != nil {
		return err
	}
	return s.kit.Keeper.Activate(troth.WithActor(ctx, officer), policy)
}

// order stores an order of a customer: the keeper hears of it in the same transaction.
func (s *shop) order(ctx context.Context, customer, text string) (retention.RecordKey, error) {
	key := retention.RecordKey{Tenant: ours, Type: orderType, ID: rand.Text()}
	at := troth.Context{
		Subject: troth.Subject{Tenant: ours, ID: customer}, Compartment: "orders",
		Cell: troth.Cell{Table: "purchase", Column: "text", Row: key.ID},
	}
	sealed, err := s.kit.Vault.AppendSeal(ctx, nil, at, []byte(text))
	if err != nil {
		return key, err
	}
	return key, s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO purchase (shop, id, text, visible) VALUES ($1, $2, $3, 'all')", ours, key.ID, sealed)
		if err != nil {
			return err
		}
		return s.kit.Keeper.Created(ctx, retention.NewRecord{RecordKey: key, SubjectID: customer})
	})
}

// visible says who sees an order: "nobody, it is gone" once its row is deleted.
func (s *shop) visible(ctx context.Context, key retention.RecordKey) (to string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT visible FROM purchase WHERE shop = $1 AND id = $2", key.Tenant, key.ID).Scan(&to)
	if errors.Is(err, sql.ErrNoRows) {
		return "nobody, its row is gone", nil
	}
	return "visible to " + to, err
}
