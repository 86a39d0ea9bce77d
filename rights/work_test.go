package rights_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// queue is a host's queue that keeps what it is given, once for each key.
type queue struct {
	tx   troth.Transactor
	work []troth.Work
}

func (q *queue) Transactor() troth.Transactor { return q.tx }

func (q *queue) Enqueue(_ context.Context, w troth.Work) (string, error) {
	if err := w.Validate(); err != nil {
		return "", err
	}
	for _, known := range q.work {
		if known.Key == w.Key {
			return w.Key, nil
		}
	}
	q.work = append(q.work, w)
	return w.Key, nil
}

// do carries out what is due by now, twice each, as queues do.
func (q *queue) do(t *testing.T, d *rights.Desk, now time.Time) {
	t.Helper()
	for _, w := range slices.Clone(q.work) {
		if w.NotBefore.After(now) {
			continue
		}
		for range 2 {
			outcome, err := d.Do(t.Context(), troth.Job{Ref: troth.WorkRef{Tenant: w.Tenant, ID: w.Key}, Kind: w.Kind, Payload: w.Payload})
			require.NoError(t, err)
			require.Equal(t, troth.Completed, outcome)
		}
	}
}

// A host's queue does all that Run would, and doing it again changes nothing.
func TestDo_AQueueDrivesTheDesk(t *testing.T) {
	q := &queue{}
	w := newWorld(t)
	q.tx = w.db
	w.desk = w.open(rights.WithEnqueuer(q))
	r := w.submit(rights.Access)
	q.do(t, w.desk, w.clock.Now())
	require.Len(t, w.post.of(rights.MessageReceived), 1)
	require.Len(t, w.trail.events(rights.Acknowledged), 1)
	w.clock.Move(20 * 24 * time.Hour)
	q.do(t, w.desk, w.clock.Now())
	require.Equal(t, []rights.Stage{rights.Half}, w.bells.stages())
	w.clock.Move(20 * 24 * time.Hour)
	q.do(t, w.desk, w.clock.Now())
	require.Equal(t, []rights.Stage{rights.Half, rights.Late}, w.bells.stages())
	w.fire(r.ID, rights.WasWithdrawn)
	w.clock.Move(100 * 24 * time.Hour)
	q.do(t, w.desk, w.clock.Now())
	_, err := w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.ErrorIs(t, err, rights.ErrGone)
}

// A queue whose clock runs ahead brings work too early: it is not lost for that.
func TestDo_TooEarlyComesAgain(t *testing.T) {
	q := &queue{}
	s := newShop()
	w := newWorld(t)
	q.tx = w.db
	w.desk = w.open(s.options(rights.WithEnqueuer(q), rights.WithCoolingOff(time.Hour))...)
	r := w.approved(rights.Erase)
	work := q.work[len(q.work)-1]
	require.Contains(t, work.Key, "/step/")
	job := troth.Job{Ref: troth.WorkRef{Tenant: work.Tenant, ID: work.Key}, Kind: work.Kind, Key: work.Key, Payload: work.Payload}
	w.clock.Move(time.Hour - time.Second)
	outcome, err := w.desk.Do(t.Context(), job)
	require.Error(t, err)
	require.Equal(t, troth.Retry, outcome)
	require.Equal(t, rights.StateCoolingOff, w.get(r.ID).State)
	old := job
	old.Key += "0"
	outcome, err = w.desk.Do(t.Context(), old)
	require.NoError(t, err, "of another instant")
	require.Equal(t, troth.Completed, outcome)
	w.clock.Move(2 * time.Second)
	outcome, err = w.desk.Do(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, troth.Completed, outcome)
	require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
}

func TestDo_WhatIsNotOurs(t *testing.T) {
	w := newWorld(t)
	for _, j := range []troth.Job{
		{Kind: "other", Payload: []byte(`{}`)},
		{Kind: rights.WorkDue, Payload: []byte(`x`)},
		{Kind: rights.WorkDue, Payload: []byte(`{"kind":"proof"}`)},
	} {
		outcome, err := w.desk.Do(t.Context(), j)
		require.Error(t, err)
		require.Equal(t, troth.Failed, outcome)
	}
}

// Work names a request and nothing of its contents.
func TestDo_WorkHoldsNothingPersonal(t *testing.T) {
	q := &queue{}
	w := newWorld(t)
	q.tx = w.db
	w.desk = w.open(rights.WithEnqueuer(q))
	w.submit(rights.Access)
	require.NotEmpty(t, q.work)
	for _, work := range q.work {
		require.NotContains(t, string(work.Payload)+work.Key, "canary")
	}
}

func TestRun_EndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.submit(rights.Access)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.desk.Run(ctx) }()
	require.Eventually(t, func() bool { return len(w.post.of(rights.MessageReceived)) == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// Of many who are identified at once in requests about the same, one goes on.
func TestDuplicate_ManyAtOnce(t *testing.T) {
	w := newWorld(t)
	const many = 8
	var ids []string
	for range many {
		ids = append(ids, w.submit(rights.Access).ID)
	}
	errs := make(chan error, many)
	for _, id := range ids {
		go func() {
			_, err := w.desk.Attest(w.ctx, rights.Attestation{
				Tenant: acme, Request: id, SubjectID: ada.ID, Method: rights.ByReauthentication,
			})
			errs <- err
		}()
	}
	for range many {
		require.NoError(t, <-errs)
	}
	open := 0
	for _, id := range ids {
		open += count(w.get(id).State == rights.StateReceived)
	}
	require.Equal(t, 1, open)
}
