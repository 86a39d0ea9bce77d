package consent_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/consentfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

var errUndone = errors.New("undone")

func TestCheck_ANoCountsAtOnceAndAYesWhenCommitted(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	w.wants(ada, letter, consent.ReasonGranted) // it is cached now
	err := w.db.Atomically(w.ctx, func(ctx context.Context) error {
		events, err := w.ledger.Record(ctx, w.form(ada, letter, consent.Withdrawn))
		require.NoError(t, err)
		d := w.wants(ada, letter, consent.ReasonWithdrawn)
		require.Equal(t, events[0].ID, d.Event, "outside, while the transaction is open")
		batch, err := w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{ada.ID}})
		require.NoError(t, err)
		require.Equal(t, consent.ReasonWithdrawn, batch[0].Reason)
		return errUndone
	})
	require.ErrorIs(t, err, errUndone)
	w.wants(ada, letter, consent.ReasonGranted)
	w.say(ada, letter, consent.Withdrawn)
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := w.ledger.Record(ctx, w.form(ada, letter, consent.Granted))
		require.NoError(t, err)
		d, err := w.ledger.Check(ctx, ada, letter, time.Time{})
		require.NoError(t, err)
		require.True(t, d.Allowed, "the transaction sees its own")
		w.wants(ada, letter, consent.ReasonWithdrawn)
		return nil
	}))
	w.wants(ada, letter, consent.ReasonGranted)
}

func TestCheck_InTheHostsTransactionWhoseEndNobodyTells(t *testing.T) {
	for _, commits := range []bool{true, false} {
		for _, k := range []consent.Kind{consent.Withdrawn, consent.Granted} {
			w := newWorld(t)
			w.publish(consent.Terms{Purpose: letter})
			before, after := consent.ReasonGranted, consent.ReasonWithdrawn
			w.say(ada, letter, consent.Granted)
			if k == consent.Granted {
				w.say(ada, letter, consent.Withdrawn)
				before, after = after, before
			}
			w.wants(ada, letter, before)
			tx, err := w.db.Begin(w.ctx)
			require.NoError(t, err)
			_, err = w.ledger.Record(w.db.WithTx(w.ctx, tx), w.form(ada, letter, k))
			require.NoError(t, err)
			w.wants(ada, letter, consent.ReasonWithdrawn)
			if commits {
				require.NoError(t, tx.Commit())
				w.wants(ada, letter, after)
				w.wants(ada, letter, after)
				continue
			}
			require.NoError(t, tx.Rollback())
			require.False(t, w.check(ada, letter).Allowed, "it cannot be known yet, and a no is on the safe side")
		}
	}
}

func TestCheck_AnotherProcessFollowsWithinTheBound(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	const bound = 50 * time.Millisecond
	other := w.open(consent.WithFeedAge(bound))
	check := func(l *consent.Ledger) consent.Reason {
		d, err := l.Check(w.ctx, ada, letter, time.Time{})
		require.NoError(t, err)
		return d.Reason
	}
	require.Equal(t, consent.ReasonGranted, check(other))
	w.say(ada, letter, consent.Withdrawn)
	done := time.Now()
	began := time.Now()
	for ; check(other) != consent.ReasonWithdrawn; began = time.Now() {
		require.LessOrEqual(t, began.Sub(done), bound, "who asks later than that hears of it")
	}
	// And of a new version.
	w.say(ada, letter, consent.Granted)
	require.Eventually(t, func() bool { return check(other) == consent.ReasonGranted }, time.Minute, time.Millisecond)
	w.publish(consent.Terms{Purpose: letter, Change: consent.Material, Data: []string{"name"}})
	require.Eventually(t, func() bool { return check(other) == consent.ReasonSuperseded }, time.Minute, time.Millisecond)
}

func TestCheck_RefusesWhenTheFeedCannotBeRead(t *testing.T) {
	db := memory.Open()
	inner := consentmem.New(db)
	plan := faultstore.NewPlan()
	w := worldOn(t, consentfault.New(inner, db, plan), db, consent.WithFeedAge(10*time.Millisecond))
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	w.wants(ada, letter, consent.ReasonGranted)
	plan.Add(faultstore.Injection{Method: "Follow", Fault: faultstore.FailBefore})
	require.Eventually(t, func() bool {
		d, err := w.ledger.Check(w.ctx, ada, letter, time.Time{})
		return errors.Is(err, consent.ErrStale) && !d.Allowed && d.Reason == consent.ReasonUnavailable
	}, time.Minute, time.Millisecond)
	_, err := w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{ada.ID}})
	require.ErrorIs(t, err, consent.ErrStale)
	_, err = w.ledger.Objected(w.ctx, nil)
	require.NoError(t, err, "nobody was asked about")
}

func TestCheck_IsBoundedInMemory(t *testing.T) {
	w := newWorld(t, consent.WithCache(64))
	w.publish(consent.Terms{Purpose: letter})
	for i := range 1000 {
		who := subject(string(rune('A'+i%50)) + time.Duration(i).String())
		w.say(who, letter, consent.Granted)
		for range 2 {
			w.wants(who, letter, consent.ReasonGranted)
		}
	}
	w.say(ada, letter, consent.Granted)
	none := w.open(consent.WithCache(0))
	for range 2 {
		d, err := none.Check(w.ctx, ada, letter, time.Time{})
		require.NoError(t, err)
		require.True(t, d.Allowed)
	}
}

// A decision about somebody who is cached may allocate once.
func TestCheck_CachedAllocatesAtMostOnce(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	w.wants(ada, letter, consent.ReasonGranted)
	allocs := testing.AllocsPerRun(200, func() {
		if d, err := w.ledger.Check(w.ctx, ada, letter, time.Time{}); err != nil || !d.Allowed {
			t.Fatal(err)
		}
	})
	require.LessOrEqual(t, allocs, 1.0)
}

func TestRecord_TimesThatClocksCannotTurnRound(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.say(ada, letter, consent.Granted)
	w.clock.Move(-time.Hour)
	w.say(ada, letter, consent.Withdrawn)
	w.wants(ada, letter, consent.ReasonWithdrawn)
	w.clock.Move(-time.Hour)
	w.say(ada, letter, consent.Granted)
	w.wants(ada, letter, consent.ReasonGranted)
	f := w.form(ada, letter, consent.Granted)
	f.GivenAt = w.clock.Now().Add(100 * time.Hour)
	_, err := w.ledger.Record(w.ctx, f)
	require.ErrorIs(t, err, consent.ErrFuture)
	f.Choices[0].Kind = consent.Withdrawn
	w.sayForm(f)
	w.wants(ada, letter, consent.ReasonWithdrawn)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, ada))
}

// Rows that permit carry a keyed hash: who writes to the store past the ledger
// makes no grant, and moves none.
func TestHostile_ForgedAndMovedRowsDecideNothing(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter})
	w.publish(consent.Terms{Purpose: stats})
	w.say(ada, letter, consent.Granted)
	w.say(ada, letter, consent.Withdrawn)
	bo := subject("c-18")
	w.say(bo, letter, consent.Granted)
	granted, err := w.store.States(w.ctx, acme, bo.ID)
	require.NoError(t, err)
	terms, err := w.store.Terms(w.ctx, acme)
	require.NoError(t, err)
	refused := func(who string, p string) {
		t.Helper()
		fresh := w.open()
		d, err := fresh.Check(w.ctx, subject(who), letter, time.Time{})
		require.ErrorIs(t, err, consent.ErrRecord)
		require.False(t, d.Allowed)
		_, err = fresh.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{who}})
		require.ErrorIs(t, err, consent.ErrRecord, p)
	}
	moved := granted[0]
	moved.SubjectID = ada.ID
	require.NoError(t, w.store.PutState(w.ctx, moved))
	refused(ada.ID, "another person's grant")
	for i := range granted[0].Record {
		bent := granted[0]
		bent.Record = append([]byte(nil), granted[0].Record...)
		bent.Record[i] ^= 1
		require.NoError(t, w.store.PutState(w.ctx, bent))
		if i%16 == 0 {
			refused(bo.ID, "a bent record")
		}
	}
	require.NoError(t, w.store.PutState(w.ctx, granted[0]))
	events, err := w.store.Events(w.ctx, acme, bo.ID, letter)
	require.NoError(t, err)
	stolen := events[0]
	stolen.SubjectID, stolen.ID = ada.ID, "stolen"
	_, err = w.store.InsertEvent(w.ctx, stolen)
	require.NoError(t, err)
	_, err = w.open().CheckAsKnown(w.ctx, ada, letter, w.clock.Now(), w.clock.Now())
	require.ErrorIs(t, err, consent.ErrRecord)
	// A version that is taken away, or one of another tenant, is noticed.
	_, err = w.store.InsertTerms(w.ctx, consent.TermsRow{Tenant: globex, Purpose: letter, Version: 1, Record: terms[0].Record})
	require.NoError(t, err)
	_, err = w.ledger.Catalogue(w.ctx, globex)
	require.ErrorIs(t, err, consent.ErrRecord)
	// An older state that is put back decides, and is found.
	cy := subject("c-19")
	w.say(cy, letter, consent.Granted)
	old, err := w.store.States(w.ctx, acme, cy.ID)
	require.NoError(t, err)
	w.say(cy, letter, consent.Withdrawn)
	require.NoError(t, w.ledger.VerifyPerson(w.ctx, cy))
	require.NoError(t, w.store.PutState(w.ctx, old[0]))
	require.ErrorIs(t, w.ledger.VerifyPerson(w.ctx, cy), consent.ErrRecord)
}

func TestCheckBatch_DecidesAsCheckDoes(t *testing.T) {
	w := newWorld(t)
	w.publish(consent.Terms{Purpose: letter, Recipients: []string{"mailer"}})
	w.publish(consent.Terms{Purpose: stats, Requires: []troth.Purpose{letter}})
	var ids []string
	for i := range 60 {
		who := subject(fmt.Sprint("c-", i))
		ids = append(ids, who.ID, who.ID)
		for j, p := range []troth.Purpose{letter, stats} {
			if k := (i / (1 + 3*j)) % 3; k > 0 {
				w.say(who, p, []consent.Kind{"", consent.Granted, consent.Withdrawn}[k])
			}
		}
	}
	ids = append(ids, "nobody")
	for _, p := range []troth.Purpose{letter, stats, "unheard-of"} {
		for _, recipient := range []string{"", "mailer", "ads"} {
			batch, err := w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: p, Recipient: recipient, SubjectIDs: ids})
			require.NoError(t, err)
			require.Len(t, batch, len(ids))
			require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
				inside, err := w.ledger.CheckBatch(ctx, consent.Batch{Tenant: acme, Purpose: p, Recipient: recipient, SubjectIDs: ids})
				require.NoError(t, err)
				require.Equal(t, batch, inside)
				return nil
			}))
			for i, id := range ids {
				d, err := w.ledger.CheckQuery(w.ctx, consent.Query{Subject: subject(id), Purpose: p, Recipient: recipient})
				require.NoError(t, err)
				d.At, batch[i].At = time.Time{}, time.Time{}
				require.Equal(t, d, batch[i], "%s about %s for %s", id, p, recipient)
			}
		}
	}
	_, err := w.ledger.CheckBatch(w.ctx, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{"ok", ""}})
	require.Error(t, err)
	cancelled, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err = w.ledger.CheckBatch(cancelled, consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: ids})
	require.ErrorIs(t, err, context.Canceled)
}
