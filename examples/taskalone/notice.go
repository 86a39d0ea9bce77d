package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

const tenant troth.Tenant = "shop-17"

// notice is what the provider needs in order to send one.
type notice struct {
	Order string `json:"order"`
	Email string `json:"email"`
}

// errAway is what the provider answers at first.
var errAway = errors.New("the provider does not answer")

func (s *shop) register() error {
	kind := task.Kind{Name: "shop.notice", Backoff: 10 * time.Millisecond}
	return task.Register(s.engine, kind, func(_ context.Context, j task.Job[notice]) error {
		if j.Attempt < 3 {
			fmt.Fprintf(s.out, "attempt %d at order %s: %v\n", j.Attempt, j.Value.Order, errAway)
			return errAway
		}
		// A real provider is given j.EffectKey too, so that it sends one mail
		// however often it is asked.
		fmt.Fprintf(s.out, "attempt %d at order %s: sent to %s\n", j.Attempt, j.Value.Order, j.Value.Email)
		s.seen <- struct{}{}
		return nil
	})
}

// order writes an order and the work that goes with it in one transaction of the
// shop's own. One that is given up leaves neither.
func (s *shop) order(ctx context.Context, db *sql.DB, id, email string, pays bool) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing once it was committed
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders (id) VALUES (?)", id); err != nil {
		return err
	}
	w, err := task.NewWork(tenant, "shop.notice", notice{Order: id, Email: email})
	if err != nil {
		return err
	}
	w.Key = "order-" + id
	if _, err := s.engine.Enqueue(s.handle.WithTx(ctx, tx), w); err != nil {
		return err
	}
	if !pays {
		fmt.Fprintf(s.out, "order %s was given up, and its notice with it\n", id)
		return nil
	}
	return tx.Commit()
}
