package unsubscribe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// What came with a person's id is found by it, under whatever address, opened with what
// belongs to it; of another person, and of another client's of the same id, nothing is.
func TestHistoryOf_IsAPersonsOwn(t *testing.T) {
	w := newRegWorld(t)
	for _, c := range []struct {
		client           troth.Tenant
		subject, address string
	}{
		{regAcme, "c-17", regAda},
		{regAcme, "c-17", "old.ada@example.org"},
		{regAcme, "c-18", "eve@example.org"},
		{regAcme, "", "nobody@example.org"},
		{regGlobex, "c-17", "bob@example.org"},
	} {
		p := regOut(c.address, unsubscribe.Client)
		p.Tenant, p.SubjectID, p.Evidence.Note = c.client, c.subject, troth.Protect("rang up")
		_, err := w.r.OptOut(w.ctx, p)
		require.NoError(t, err)
		w.clock.Move(time.Second)
	}
	events, err := w.r.HistoryOf(w.ctx, troth.Subject{Tenant: regAcme, ID: "c-17"}, "access")
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.True(t, events[0].Event.At.Before(events[1].Event.At))
	for _, e := range events {
		require.Equal(t, "c-17", e.SubjectID)
		note, err := e.Evidence.Note.Reveal("test")
		require.NoError(t, err)
		require.Equal(t, "rang up", note)
	}
	for _, bad := range []struct {
		who troth.Subject
		p   troth.Purpose
	}{{troth.Subject{Tenant: regAcme}, "access"}, {troth.Subject{Tenant: regAcme, ID: "c-17"}, ""}} {
		_, err = w.r.HistoryOf(w.ctx, bad.who, bad.p)
		require.Error(t, err)
	}
}
