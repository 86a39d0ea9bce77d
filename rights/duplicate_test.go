package rights_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

func TestDuplicate_OnlyOfOneThatIsProven(t *testing.T) {
	w := newWorld(t)
	stranger := w.submit(rights.Access)
	mine := w.submit(rights.Access)
	w.prove(mine.ID)
	require.Equal(t, rights.StateReceived, w.get(mine.ID).State, "who is not identified keeps nobody from asking")
	w.prove(stranger.ID)
	r := w.get(stranger.ID)
	require.Equal(t, rights.StateDuplicate, r.State)
	require.Equal(t, mine.ID, r.Other)

	w.fire(mine.ID, rights.WasWithdrawn)
	again := w.submit(rights.Access)
	w.prove(again.ID)
	require.Equal(t, rights.StateReceived, w.get(again.ID).State, "the other is closed")
	other := w.submit(rights.Erase)
	w.prove(other.ID)
	require.Equal(t, rights.StateReceived, w.get(other.ID).State, "another right")
}

func TestDuplicate_OtherFieldsAreAnotherRequest(t *testing.T) {
	w := newWorld(t)
	a := w.submit(rights.Correct, func(s *rights.Submission) { s.Fields = []string{"town", "email"} })
	b := w.submit(rights.Correct, func(s *rights.Submission) { s.Fields = []string{"name"} })
	c := w.submit(rights.Correct, func(s *rights.Submission) { s.Fields = []string{"email", "town"} })
	for _, r := range []rights.Request{a, b, c} {
		w.prove(r.ID)
	}
	require.Equal(t, rights.StateReceived, w.get(a.ID).State)
	require.Equal(t, rights.StateReceived, w.get(b.ID).State)
	require.Equal(t, rights.StateDuplicate, w.get(c.ID).State)
}

func TestDuplicate_ByHand(t *testing.T) {
	w := newWorld(t)
	a, b := w.submit(rights.Access), w.submit(rights.Access)
	for _, of := range []string{a.ID, w.submit(rights.Erase).ID, w.submit(rights.Access, func(s *rights.Submission) { s.SubjectID = "eve" }).ID} {
		_, err := w.desk.MarkDuplicate(w.ctx, acme, a.ID, of)
		require.ErrorIs(t, err, rights.ErrConflict)
	}
	w.prove(a.ID)
	_, err := w.desk.MarkDuplicate(w.ctx, acme, a.ID, b.ID)
	require.ErrorIs(t, err, rights.ErrConflict, "of one that nobody was identified in")
	r, err := w.desk.MarkDuplicate(w.ctx, acme, b.ID, a.ID)
	require.NoError(t, err)
	require.Equal(t, rights.StateDuplicate, r.State)
	require.False(t, r.ClosedAt.IsZero())
}
