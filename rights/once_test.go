package rights_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func callUnder(request string, key, what byte) rights.Call {
	return rights.Call{Tenant: acme, Request: request, Key: [32]byte{key}, What: [32]byte{what}}
}

func TestOnce_AnswersTheSame(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	ran := 0
	do := func(context.Context) ([]byte, error) {
		ran++
		return fmt.Appendf(nil, "answer %d", ran), nil
	}
	for range 3 {
		answer, err := w.open().Once(w.ctx, callUnder(r.ID, 1, 1), do)
		require.NoError(t, err)
		require.Equal(t, "answer 1", string(answer))
	}
	_, err := w.desk.Once(w.ctx, callUnder(r.ID, 1, 2), do)
	require.ErrorIs(t, err, rights.ErrConflict)
	require.Equal(t, 1, ran)
	answer, err := w.desk.Once(w.ctx, callUnder(r.ID, 2, 1), do)
	require.NoError(t, err)
	require.Equal(t, "answer 2", string(answer))
	other := callUnder(r.ID, 1, 1)
	other.Tenant = globex
	answer, err = w.desk.Once(w.ctx, other, do)
	require.NoError(t, err)
	require.Equal(t, "answer 3", string(answer), "another tenant's")
	_, err = w.desk.Once(w.ctx, rights.Call{}, do)
	require.Error(t, err)
	require.Error(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := w.desk.Once(ctx, callUnder(r.ID, 9, 1), do)
		return err
	}))
}

// What fails is not kept, and what it did is undone.
func TestOnce_AnErrorLeavesNothing(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	failure := errors.New("no")
	_, err := w.desk.Once(w.ctx, callUnder(r.ID, 1, 1), func(ctx context.Context) ([]byte, error) {
		_, err := w.desk.Assign(ctx, acme, r.ID, "dpo")
		require.NoError(t, err)
		return nil, failure
	})
	require.ErrorIs(t, err, failure)
	require.Empty(t, w.get(r.ID).Owner)
	answer, err := w.desk.Once(w.ctx, callUnder(r.ID, 1, 1), func(context.Context) ([]byte, error) { return []byte("yes"), nil })
	require.NoError(t, err)
	require.Equal(t, "yes", string(answer))
}

// Of many at the same time one runs, and all are given its answer.
func TestOnce_OfManyAtOnceOneRuns(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	answers := make([]string, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answer, err := w.desk.Once(w.ctx, callUnder(r.ID, 1, 1), func(ctx context.Context) ([]byte, error) {
				_, err := w.desk.AskFee(ctx, acme, r.ID, "excessive", w.clock.Now())
				return fmt.Appendf(nil, "answer %d", i), err
			})
			if err == nil {
				answers[i] = string(answer)
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0], a)
		require.NotEmpty(t, a)
	}
	fees := 0
	for _, k := range w.kinds(r.ID) {
		fees += count(k == rights.FeeAsked)
	}
	require.Equal(t, 1, fees)
}

func TestToken_IsOfOneRequestAndTenant(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	token, err := w.desk.Token(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.NoError(t, w.open().CheckToken(w.ctx, acme, r.ID, token))
	require.ErrorIs(t, w.desk.CheckToken(w.ctx, globex, r.ID, token), rights.ErrUnproven)
	require.ErrorIs(t, w.desk.CheckToken(w.ctx, acme, "another", token), rights.ErrUnproven)
	text, err := token.Reveal("test")
	require.NoError(t, err)
	require.Len(t, text, 43)
	for _, bad := range []string{"", text + "=", text[:42], text[:42] + "~", text + text} {
		require.ErrorIs(t, w.desk.CheckToken(w.ctx, acme, r.ID, troth.Protect(bad)), rights.ErrUnproven)
	}
	require.Error(t, w.desk.CheckToken(w.ctx, "", r.ID, token))
}

// What was kept for who called goes with the personal data of the request.
func TestOnce_AnswersGoWithTheContents(t *testing.T) {
	w := newWorld(t, rights.WithContentsLife(0))
	r := w.submit(rights.Access)
	_, err := w.desk.Once(w.ctx, callUnder(r.ID, 1, 1), func(context.Context) ([]byte, error) { return []byte(canary), nil })
	require.NoError(t, err)
	_, err = w.desk.Withdraw(w.ctx, acme, r.ID, rights.Proof{})
	require.NoError(t, err)
	w.clock.Move(time.Second)
	w.sweep()
	for _, kind := range []rights.ItemKind{rights.ItemAnswer, rights.ItemTicket} {
		rows, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: r.ID, Kind: kind, Limit: 10})
		require.NoError(t, err)
		require.Empty(t, rows)
	}
}
