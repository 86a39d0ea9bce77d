package rights_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func TestSubmit_IsIdempotent(t *testing.T) {
	w := newWorld(t)
	named := func(s *rights.Submission) { s.ID = "form-1" }
	a := w.submit(rights.Access, named)
	events := w.kinds(a.ID)
	require.Equal(t, a, w.submit(rights.Access, named))
	require.Equal(t, events, w.kinds(a.ID))
	_, err := w.desk.Submit(w.ctx, rights.Submission{Tenant: acme, ID: "form-1", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: ada.ID})
	require.ErrorIs(t, err, rights.ErrConflict)
	_, err = w.desk.Submit(w.ctx, rights.Submission{Tenant: acme, ID: "form-1", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "eve"})
	require.ErrorIs(t, err, rights.ErrConflict)
}

func TestSubmit_Refuses(t *testing.T) {
	w := newWorld(t)
	for name, s := range map[string]rights.Submission{
		"no tenant":         {Right: rights.Access, Via: rights.ViaWeb},
		"no right":          {Tenant: acme, Via: rights.ViaWeb},
		"no way":            {Tenant: acme, Right: rights.Access},
		"a bad id":          {Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, ID: "~open"},
		"a long id":         {Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, ID: strings.Repeat("a", 129)},
		"a bad subject":     {Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, SubjectID: "\x00"},
		"a language":        {Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, Language: "tlh"},
		"an appeal of none": {Tenant: acme, Right: rights.Appeal, Via: rights.ViaWeb},
		"of what is not":    {Tenant: acme, Right: rights.Complaint, Via: rights.ViaWeb, Of: "nothing"},
		"a bad field":       {Tenant: acme, Right: rights.Correct, Via: rights.ViaWeb, Fields: []string{""}},
		"a bad purpose":     {Tenant: acme, Right: rights.Object, Via: rights.ViaWeb, Purposes: []troth.Purpose{""}},
		"too many fields":   {Tenant: acme, Right: rights.Correct, Via: rights.ViaWeb, Fields: slices.Repeat([]string{"a"}, 65)},
		"a long text": {
			Tenant: acme, Right: rights.Access, Via: rights.ViaWeb,
			Contents: rights.Contents{Text: troth.Protect(strings.Repeat("a", rights.MaxText+1))},
		},
		"bytes that are no text": {Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, Contents: rights.Contents{Name: troth.Protect("\xff")}},
	} {
		_, err := w.desk.Submit(w.ctx, s)
		require.Error(t, err, name)
	}
	_, err := w.desk.Submit(t.Context(), rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaWeb})
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.Empty(t, w.trail.events(rights.Submitted))
}

func TestSubmit_PersonalDataNeedsASealer(t *testing.T) {
	w := newWorld(t)
	d, err := rights.New(t.Context(), rights.Config{Store: w.store, Recorder: w.trail, Keys: keys{}})
	require.NoError(t, err)
	_, err = d.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, Contents: contents()})
	require.ErrorIs(t, err, rights.ErrNeeds)
	_, err = d.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaWeb})
	require.NoError(t, err)
}

func TestWithdraw_ByThePersonOnly(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(rights.Erase)
	_, err := w.desk.Withdraw(w.ctx, acme, r.ID, rights.Proof{})
	require.ErrorIs(t, err, rights.ErrUnproven)
	p, err := w.desk.Proof(w.ctx, acme, r.ID)
	require.NoError(t, err)
	w.fire(r.ID, rights.CollectionBegan, rights.Collected, rights.Approved)
	r, err = w.desk.Withdraw(w.ctx, acme, r.ID, p)
	require.NoError(t, err, "that is what cooling off is for")
	require.Equal(t, rights.StateWithdrawn, r.State)

	r = w.accepted(rights.Erase)
	p, err = w.desk.Proof(w.ctx, acme, r.ID)
	require.NoError(t, err)
	w.fire(r.ID, rights.CollectionBegan, rights.Collected, rights.Approved, rights.CooledOff)
	_, err = w.desk.Withdraw(w.ctx, acme, r.ID, p)
	_, late := errors.AsType[*rights.StateError](err)
	require.True(t, late, "it has begun")
}

func TestForward_EndsARequestForSomebodyElse(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	r, err := w.desk.Forward(w.ctx, acme, r.ID, "customer-9")
	require.NoError(t, err)
	require.Equal(t, rights.StateForwarded, r.State)
	require.Equal(t, "customer-9", r.Other)
	require.True(t, r.DueAt.IsZero())
}

func TestLapse_WhoNeverAnswers(t *testing.T) {
	w := newWorld(t)
	asked, answered := w.submit(rights.Access), w.submit(rights.Erase)
	for _, id := range []string{asked.ID, answered.ID} {
		_, err := w.desk.AskIdentity(w.ctx, acme, id, time.Time{})
		require.NoError(t, err)
	}
	w.prove(answered.ID)
	w.clock.Move(89 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateVerifying, w.get(asked.ID).State)
	w.clock.Move(2 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, rights.StateLapsed, w.get(asked.ID).State)
	require.Equal(t, rights.StateReceived, w.get(answered.ID).State)
}

func TestOutcome_ByWhatWasDone(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		done, left uint32
		want       rights.State
	}{
		{3, 0, rights.StateFulfilled}, {0, 0, rights.StateFulfilled}, {2, 1, rights.StatePartiallyFulfilled}, {0, 2, rights.StateRefused},
	} {
		r := w.accepted(rights.Access)
		w.fire(r.ID, rights.CollectionBegan, rights.Collected, rights.Approved)
		require.NoError(t, w.desk.Count(w.ctx, acme, r.ID, c.done, c.left))
		r = w.fire(r.ID, rights.Delivered)
		require.Equal(t, c.want, r.State)
	}
}

func TestContents_AreDestroyedAfterwards(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Access)
	c, err := w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.NoError(t, err)
	text, err := c.Text.Reveal("test")
	require.NoError(t, err)
	require.Equal(t, "Please, "+canary, text)
	require.Contains(t, w.sealer.Opened(), troth.Purpose("support"))
	w.fire(r.ID, rights.WasWithdrawn)
	w.clock.Move(89 * 24 * time.Hour)
	w.sweep()
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.NoError(t, err)
	w.clock.Move(2 * 24 * time.Hour)
	w.sweep()
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.ErrorIs(t, err, rights.ErrGone)
	require.True(t, w.sealer.Shredded(rights.RequestSubject(acme, r.ID), rights.Compartment))
	require.Contains(t, w.kinds(r.ID), rights.ContentsDestroyed)
	require.Equal(t, rights.StateWithdrawn, w.get(r.ID).State, "the record stays")

	w.clock.Move(24 * 31 * 24 * time.Hour)
	w.sweep()
	_, err = w.desk.Request(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrNotFound)
	_, err = w.desk.Events(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrNotFound)
	disposed := 0
	for _, e := range w.trail.All() {
		if e.Act.Name == "rights.dispose" {
			disposed++
		}
	}
	require.Equal(t, 2, disposed)
	w.submit(rights.Access)
}

func TestUnmanaged_IsRefusedOnceThereIsAKeeper(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.store.SetManaged(w.ctx))
	_, err := rights.New(t.Context(), rights.Config{Store: w.store, Recorder: w.trail, Keys: keys{}}, rights.Unmanaged("test"))
	require.ErrorIs(t, err, rights.ErrUnmanaged)
	r := w.submit(rights.Access)
	w.fire(r.ID, rights.WasWithdrawn)
	w.clock.Move(100 * 24 * time.Hour)
	require.ErrorIs(t, w.desk.Sweep(w.ctx), rights.ErrUnmanaged)
	_, err = w.desk.Contents(w.ctx, acme, r.ID, "support")
	require.NoError(t, err)
}

func TestQueue_ByDeadlineAndStable(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 25 {
		r := w.submit(rights.Access, func(s *rights.Submission) {
			s.ID, s.SubjectID = fmt.Sprintf("r-%02d", i), fmt.Sprint("p", i)
			s.ReceivedAt = w.clock.Now().AddDate(0, 0, -25+i)
		})
		want = append(want, r.ID)
	}
	got := func(q rights.Queue) (ids []string) {
		q.Tenant = acme
		for r, err := range w.desk.Queue(w.ctx, q) {
			require.NoError(t, err)
			ids = append(ids, r.ID)
			if len(ids) == 3 && q.Page == 2 { // the body may write
				_, err := w.desk.Assign(w.ctx, acme, r.ID, "dpo")
				require.NoError(t, err)
			}
		}
		return ids
	}
	require.ElementsMatch(t, want, got(rights.Queue{Page: 7}))
	require.Equal(t, got(rights.Queue{}), got(rights.Queue{Page: 1}))
	require.Equal(t, got(rights.Queue{}), got(rights.Queue{Page: 2}))
	require.Len(t, got(rights.Queue{Owner: "dpo"}), 1)
	require.Empty(t, got(rights.Queue{State: rights.StateAccepted}))
	require.Empty(t, got(rights.Queue{Closed: true}))
	var last time.Time
	first := rights.Request{}
	for r, err := range w.desk.Queue(w.ctx, rights.Queue{Tenant: acme}) {
		require.NoError(t, err)
		require.False(t, r.DueAt.Before(last))
		last = r.DueAt
		if first.ID == "" {
			first = r
		}
	}
	require.Len(t, got(rights.Queue{After: first.At()}), 24)
	for range w.desk.Queue(w.ctx, rights.Queue{Tenant: acme}) {
		break
	}
	of, err := w.desk.Of(w.ctx, troth.Subject{Tenant: acme, ID: "p3"})
	require.NoError(t, err)
	require.Len(t, of, 1)
}

// Whoever writes to the rows past the desk is found out.
func TestRecord_ForgedRowsAreRefused(t *testing.T) {
	w := newWorld(t)
	r, other := w.submit(rights.Erase), w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID = "eve" })
	row, _, err := w.store.Request(w.ctx, acme, r.ID)
	require.NoError(t, err)
	theirs, _, err := w.store.Request(w.ctx, acme, other.ID)
	require.NoError(t, err)
	for name, spoil := range map[string]func(row *rights.RequestRow){
		"state":     func(row *rights.RequestRow) { row.State = rights.StateAccepted },
		"subject":   func(row *rights.RequestRow) { row.SubjectID = "eve" },
		"right":     func(row *rights.RequestRow) { row.Right = rights.Know },
		"owner":     func(row *rights.RequestRow) { row.Owner = "x" },
		"due":       func(row *rights.RequestRow) { row.DueAt++ },
		"received":  func(row *rights.RequestRow) { row.ReceivedAt++ },
		"open":      func(row *rights.RequestRow) { row.Open = false },
		"a byte":    func(row *rights.RequestRow) { row.Record = slices.Clone(row.Record); row.Record[40] ^= 1 },
		"cut":       func(row *rights.RequestRow) { row.Record = row.Record[:10] },
		"another's": func(row *rights.RequestRow) { row.Record = theirs.Record },
	} {
		bad := row
		spoil(&bad)
		require.NoError(t, w.store.PutRequest(w.ctx, bad))
		_, err := w.desk.Request(w.ctx, acme, r.ID)
		require.ErrorIs(t, err, rights.ErrRecord, name)
		_, err = w.desk.Fire(w.ctx, acme, r.ID, rights.WasWithdrawn)
		require.ErrorIs(t, err, rights.ErrRecord, name)
	}
	require.NoError(t, w.store.PutRequest(w.ctx, row))
	// An event that is missing.
	events, err := w.store.Events(w.ctx, acme, r.ID)
	require.NoError(t, err)
	forged := events[0]
	forged.Seq = 9
	_, err = w.store.InsertEvents(w.ctx, []rights.EventRow{forged})
	require.NoError(t, err)
	_, err = w.desk.Events(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrRecord)
}

func TestProof_MovedToAnotherRequest(t *testing.T) {
	w := newWorld(t)
	a, b := w.submit(rights.Erase), w.submit(rights.Access)
	w.prove(b.ID)
	items, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: b.ID, Kind: rights.ItemProof, Limit: 10})
	require.NoError(t, err)
	require.Len(t, items, 1)
	items[0].Owner = a.ID
	_, err = w.store.InsertItem(w.ctx, items[0])
	require.NoError(t, err)
	_, err = w.desk.Proof(w.ctx, acme, a.ID)
	require.ErrorIs(t, err, rights.ErrUnproven)
}

func TestChange_JoinsTheCallersTransaction(t *testing.T) {
	w := newWorld(t)
	var r rights.Request
	err := w.db.Atomically(w.ctx, func(ctx context.Context) error {
		var err error
		r, err = w.desk.Submit(ctx, rights.Submission{Tenant: acme, Right: rights.Access, Via: rights.ViaWeb, Contents: contents()})
		require.NoError(t, err)
		_, err = w.desk.Request(ctx, acme, r.ID)
		require.NoError(t, err)
		return errors.New("no")
	})
	require.Error(t, err)
	_, err = w.desk.Request(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrNotFound)
	require.Empty(t, w.trail.events(rights.Submitted))
}

func TestMessage_IsSentAgainAndAlarmsInTheEnd(t *testing.T) {
	w := newWorld(t)
	w.post.fail = errors.New("bounce of " + canary)
	r := w.submit(rights.Know)
	for range 12 {
		w.sweep()
		w.clock.Move(6*time.Hour + time.Minute)
	}
	require.True(t, w.get(r.ID).AcknowledgedAt.IsZero())
	undelivered := slices.DeleteFunc(slices.Clone(w.bells.rung), func(a rights.Alarm) bool { return a.Rule != "message" })
	require.Len(t, undelivered, 1)
	w.post.fail = nil
	w.sweep()
	require.False(t, w.get(r.ID).AcknowledgedAt.IsZero())
	require.Len(t, w.post.of(rights.MessageReceived), 1)
	w.sweep()
	require.Len(t, w.post.of(rights.MessageReceived), 1)
	body, err := w.post.of(rights.MessageReceived)[0].Body.Reveal("test")
	require.NoError(t, err)
	require.Contains(t, body, "2026-04-06")
}

func TestCanary_NothingPersonalOutsideOfSeals(t *testing.T) {
	w := newWorld(t)
	r := w.submit(rights.Erase)
	require.NoError(t, w.sendCode(r.ID, canary))
	_, err := w.check(r.ID, w.code())
	require.NoError(t, err)
	w.prove(r.ID)
	_, err = w.desk.Refuse(w.ctx, refusal(w, r.ID, rights.LegalClaims))
	require.NoError(t, err)
	row, _, err := w.store.Request(w.ctx, acme, r.ID)
	require.NoError(t, err)
	events, err := w.store.Events(w.ctx, acme, r.ID)
	require.NoError(t, err)
	var dump strings.Builder
	fmt.Fprintf(&dump, "%s %q %+v\n", row.Record, row.Record, row)
	for _, e := range events {
		fmt.Fprintf(&dump, "%s\n", e.Record)
	}
	for _, k := range []rights.ItemKind{
		rights.ItemContents, rights.ItemProof, rights.ItemCode, rights.ItemMessage, rights.ItemRefusal, rights.ItemObligation, rights.ItemAlarm, rights.ItemEnd,
	} {
		items, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: r.ID, Kind: k, Limit: 100})
		require.NoError(t, err)
		for _, i := range items {
			fmt.Fprintf(&dump, "%s %s %+v\n", i.Record, i.Sealed, i.ItemKey)
		}
	}
	fmt.Fprintf(&dump, "%+v %#v\n", w.get(r.ID), w.trail.All())
	for _, secret := range []string{canary, "canary", "Ada C"} {
		require.NotContains(t, dump.String(), secret)
	}
}
