package unsubscribe_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// gatePeer is another ledger, which knows of objections of some people.
type gatePeer struct {
	objected []string
	err      error
	short    bool
	asked    [][]troth.ObjectionQuery
}

func (p *gatePeer) Objected(_ context.Context, queries []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	p.asked = append(p.asked, queries)
	if p.err != nil {
		return nil, p.err
	}
	answers := make([]troth.ObjectionAnswer, len(queries))
	for i, q := range queries {
		if slices.Contains(p.objected, q.Subject.ID) {
			answers[i] = troth.ObjectionAnswer{Objected: true, Reason: "withdrawn", OriginID: "e-" + q.Subject.ID}
		}
	}
	if p.short {
		return answers[1:], nil
	}
	return answers, nil
}

func (*gatePeer) Object(context.Context, troth.Objection) error { return nil }

// gateDirectory knows whose the addresses are.
type gateDirectory struct {
	people map[string][]string
	err    error
}

func (*gateDirectory) Addresses(context.Context, troth.Subject) ([]troth.Address, error) {
	return nil, nil
}

func (d *gateDirectory) Subjects(_ context.Context, tenant troth.Tenant, a troth.Address) (all []troth.Subject, err error) {
	address, _ := a.Value.Reveal("test")
	for _, id := range d.people[address] {
		all = append(all, troth.Subject{Tenant: tenant, ID: id})
	}
	return all, d.err
}

func (w *gateWorld) withPeer(peer *gatePeer, more ...unsubscribe.Option) *gateProcess {
	w.t.Helper()
	p := w.process(append(more, unsubscribe.WithObjections(peer)))
	require.NoError(w.t, p.gate.Load(w.ctx))
	return p
}

func person(id string) unsubscribe.Recipient {
	r := gateTo(id + "@a.example")
	r.SubjectID = id
	return r
}

// TestGate_AsksOtherLedgers in one batch about all whom the registry lets through,
// for marketing alone.
func TestGate_AsksOtherLedgers(t *testing.T) {
	peer := &gatePeer{objected: []string{"bob"}}
	p := newGateWorld(t).withPeer(peer)
	p.optOut("eve@a.example", unsubscribe.Client)
	all := []unsubscribe.Recipient{person("ada"), person("bob"), person("eve"), gateTo("who@a.example"), person("b\nd")}
	got := p.filter(gateLetter, all...)
	for i, want := range []unsubscribe.Reason{
		unsubscribe.ReasonClear, unsubscribe.ReasonObjected, unsubscribe.ReasonOptOut, unsubscribe.ReasonPerson, unsubscribe.ReasonAddress,
	} {
		require.Equal(t, want, got[i].Reason)
		require.Equal(t, i == 0, got[i].Send)
	}
	require.Equal(t, "e-bob", got[1].Event)
	require.Len(t, peer.asked, 1)
	require.Equal(t, []troth.ObjectionQuery{
		{Subject: troth.Subject{Tenant: gateAcme, ID: "ada"}, Purpose: "letter", Channel: "email"},
		{Subject: troth.Subject{Tenant: gateAcme, ID: "bob"}, Purpose: "letter", Channel: "email"},
	}, peer.asked[0])

	service := gateLetter
	service.Class = unsubscribe.Service
	require.True(t, p.filter(service, person("bob"))[0].Send)
	require.Len(t, peer.asked, 1, "an objection to marketing stops no invoice")
}

// TestGate_AsksOtherLedgersAgain before the message goes out.
func TestGate_AsksOtherLedgersAgain(t *testing.T) {
	peer := &gatePeer{}
	p := newGateWorld(t).withPeer(peer)
	permit := p.filter(gateLetter, person("ada"))[0].Permit()
	d, err := p.gate.Confirm(p.ctx, permit)
	require.NoError(t, err)
	require.True(t, d[0].Send)
	peer.objected = []string{"ada"}
	d, err = p.gate.Confirm(p.ctx, permit)
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ReasonObjected, d[0].Reason)
	require.False(t, d[0].Send)
}

func TestGate_NoAnswerIsNoPermission(t *testing.T) {
	for name, peer := range map[string]*gatePeer{"error": {err: errGateStore}, "short": {short: true}} {
		t.Run(name, func(t *testing.T) {
			p := newGateWorld(t).withPeer(peer)
			for v, err := range p.gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients([]unsubscribe.Recipient{person("ada"), person("bob")})) {
				require.Error(t, err)
				require.False(t, v.Send)
			}
		})
	}
}

// TestGate_FindsPeopleInTheDirectory where the host does not say who it is.
func TestGate_FindsPeopleInTheDirectory(t *testing.T) {
	peer := &gatePeer{objected: []string{"bob"}}
	directory := &gateDirectory{people: map[string][]string{"shared@a.example": {"ada", "bob"}, "ada@a.example": {"ada"}}}
	p := newGateWorld(t).withPeer(peer, unsubscribe.WithDirectory(directory))
	got := p.filter(gateLetter, gateTo("shared@a.example"), gateTo("ada@a.example"), gateTo("nobody@a.example"), p.keysOf("ada@a.example"))
	require.Equal(t, unsubscribe.ReasonObjected, got[0].Reason, "one of them objected")
	require.True(t, got[1].Send)
	require.True(t, got[2].Send, "nobody whom another ledger could know")
	require.Equal(t, unsubscribe.ReasonPerson, got[3].Reason, "keys say to nobody whose they are")

	directory.err = errors.New("directory")
	_, err := p.gate.Ask(p.ctx, gateLetter, gateTo("ada@a.example"))
	require.ErrorIs(t, err, directory.err)
}

// concerningPeer says for which purposes it is concerned.
type concerningPeer struct {
	gatePeer
	purposes []troth.Purpose
	err      error
}

func (p *concerningPeer) Concerns(_ context.Context, tenant troth.Tenant, of troth.Purpose) (bool, error) {
	return tenant == gateAcme && slices.Contains(p.purposes, of), p.err
}

// TestGate_LedgersThatAreNotConcerned need not know who it is; those who may be do.
func TestGate_LedgersThatAreNotConcerned(t *testing.T) {
	peer := &concerningPeer{gatePeer: gatePeer{objected: []string{"bob"}}}
	p := newGateWorld(t).process([]unsubscribe.Option{unsubscribe.WithObjections(peer)})
	require.NoError(t, p.gate.Load(p.ctx))
	got := p.filter(gateLetter, gateTo("who@a.example"), person("bob"), p.keysOf("who@a.example"))
	require.True(t, got[0].Send)
	require.Equal(t, unsubscribe.ReasonObjected, got[1].Reason, "who it is was told, so it is asked")
	require.True(t, got[2].Send)

	permit := got[0].Permit()
	peer.purposes = []troth.Purpose{"letter"}
	require.Equal(t, unsubscribe.ReasonPerson, p.filter(gateLetter, gateTo("who@a.example"))[0].Reason)
	d, err := p.gate.Confirm(p.ctx, permit)
	require.NoError(t, err)
	require.Equal(t, unsubscribe.ReasonPerson, d[0].Reason, "a permit from before is asked again")

	peer.err = errGateStore
	v, err := p.gate.Ask(p.ctx, gateLetter, gateTo("who@a.example"))
	require.ErrorIs(t, err, errGateStore)
	require.False(t, v.Send)
}
