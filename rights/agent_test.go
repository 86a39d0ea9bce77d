package rights_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func mandate(w *world, rs ...rights.Right) rights.Mandate {
	return rights.Mandate{Agent: "helpers", Rights: rs, Until: w.clock.Now().AddDate(1, 0, 0), Document: sha256.Sum256([]byte("signed"))}
}

func (w *world) byAgent(right rights.Right, m *rights.Mandate) rights.Request {
	return w.submit(right, func(s *rights.Submission) { s.Via, s.Mandate = rights.ViaAgent, m })
}

func TestAgent_ClocksRunAndDisclosureWaits(t *testing.T) {
	w := newWorld(t)
	m := mandate(w, rights.Access)
	r := w.byAgent(rights.Access, &m)
	require.True(t, r.ByAgent)
	require.False(t, r.Authorised, "the holder has not confirmed it")
	require.False(t, r.DueAt.IsZero(), "clocks run from receipt")
	w.sweep()
	require.Len(t, w.post.of(rights.MessageReceived), 1)
	require.False(t, w.get(r.ID).AcknowledgedAt.IsZero())

	_, err := w.desk.ConfirmMandate(w.ctx, acme, r.ID, rights.Proof{})
	require.ErrorIs(t, err, rights.ErrUnproven, "who confirms?")
	p := w.prove(r.ID)
	_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
	require.ErrorIs(t, err, rights.ErrUnproven, "the holder is known, and did not say that the agent may")
	_, err = w.desk.ConfirmMandate(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
	r, err = w.desk.Accept(w.ctx, acme, r.ID, p)
	require.NoError(t, err)
	require.True(t, r.Authorised)

	// What was approved a year later would be approved without authority.
	w.fire(r.ID, rights.CollectionBegan, rights.Collected)
	w.clock.Set(m.Until)
	_, err = w.desk.Approve(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrUnproven)
}

func TestAgent_WhatDoesNotHold(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(m *rights.Mandate){
		"no document":    func(m *rights.Mandate) { m.Document = [32]byte{} },
		"another right":  func(m *rights.Mandate) { m.Rights = []rights.Right{rights.OptOut} },
		"over":           func(m *rights.Mandate) { m.Until = w.clock.Now() },
		"without an end": func(m *rights.Mandate) { m.Until = time.Time{} },
	} {
		m := mandate(w, rights.Access)
		spoil(&m)
		r := w.byAgent(rights.Access, &m)
		p := w.prove(r.ID)
		_, _ = w.desk.ConfirmMandate(w.ctx, acme, r.ID, p)
		_, err := w.desk.Accept(w.ctx, acme, r.ID, p)
		require.ErrorIs(t, err, rights.ErrUnproven, name)
		require.False(t, w.get(r.ID).Authorised, name)

		// A better one heals it, if the same agent shows it.
		good := mandate(w, rights.Access)
		good.Agent = "others"
		_, err = w.desk.Authorise(w.ctx, acme, r.ID, good)
		require.ErrorIs(t, err, rights.ErrUnproven, name)
		good.Agent, good.Attorney = m.Agent, true
		_, err = w.desk.Authorise(w.ctx, acme, r.ID, good)
		require.NoError(t, err, name)
		_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
		require.NoError(t, err, name)
		w.fire(r.ID, rights.WasWithdrawn) // so that the next is no duplicate
	}
}

func TestAgent_Signature(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	w := newWorld(t, rights.WithHolderKeys(func(_ context.Context, s troth.Subject) ([]ed25519.PublicKey, error) {
		if s == ada {
			return []ed25519.PublicKey{public}, nil
		}
		return nil, nil
	}))
	m := mandate(w, rights.Erase)
	m.Document = [32]byte{}
	m.Signature = ed25519.Sign(private, rights.MandateBytes(ada, m))
	r := w.byAgent(rights.Erase, &m)
	_, err = w.desk.Accept(w.ctx, acme, r.ID, w.prove(r.ID))
	require.NoError(t, err, "a key that the holder registered confirms by itself")

	for name, spoil := range map[string]func(m *rights.Mandate){
		"more rights":   func(m *rights.Mandate) { m.Rights = append(m.Rights, rights.Access) },
		"for longer":    func(m *rights.Mandate) { m.Until = m.Until.Add(time.Hour) },
		"another agent": func(m *rights.Mandate) { m.Agent = "others" },
		"cut":           func(m *rights.Mandate) { m.Signature = m.Signature[:63] },
	} {
		bad := m
		bad.Rights = append([]rights.Right(nil), m.Rights...)
		spoil(&bad)
		require.False(t, w.byAgent(rights.Erase, &bad).Authorised, name)
	}
	// Of somebody else's data.
	other := w.submit(rights.Erase, func(s *rights.Submission) { s.SubjectID, s.Mandate = "eve", &m })
	require.False(t, other.Authorised)

	_, err = newWorld(t).desk.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Erase, Via: rights.ViaAgent, SubjectID: ada.ID, Mandate: &m})
	require.ErrorIs(t, err, rights.ErrNeeds)
}
