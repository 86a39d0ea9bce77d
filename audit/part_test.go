package audit_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

func TestParts_AreSealedUnderThoseWhomTheyConcernAndOpenAgain(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), letter("acme"))
	other := w.record(w.as(kim), letter("bolt"))
	for range 2 { // while they wait, and in the log
		infos := w.parts("acme", id)
		require.Len(t, infos, 3)
		ps, _, err := w.trail.Pseudonym(t.Context(), ada)
		require.NoError(t, err)
		bob, _, err := w.trail.Pseudonym(t.Context(), troth.Subject{Tenant: "acme", ID: "18"})
		require.NoError(t, err)
		require.Equal(t, []audit.PartInfo{
			{Part: 0, Name: "text", Subject: ps, Compartment: "letters", State: audit.PartPresent},
			{Part: 1, Name: "text", Subject: bob, Compartment: troth.DefaultCompartment, State: audit.PartPresent},
			{Part: 2, Name: "address", Subject: ps, Compartment: troth.DefaultCompartment, State: audit.PartPresent},
		}, infos)
		for n, want := range []struct{ subject, content string }{{"17", "dear canary of acme"}, {"18", "dear eighteen"}, {"17", ""}} {
			got, err := w.open("acme", id, n, want.subject)
			require.NoError(t, err)
			require.Equal(t, want.content, string(got))
		}
		got, err := w.open("bolt", other, 0, "17")
		require.NoError(t, err)
		require.Equal(t, "dear canary of bolt", string(got))
		w.toLog()
	}
	rows, err := w.store.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	env := w.envelope("acme", id)
	require.Len(t, env.Commitments, 3)
	for n, r := range rows {
		require.False(t, contains(r.Box, "canary", "eighteen"))
		require.False(t, contains(env.Append(nil), "canary", "eighteen"))
		require.NoError(t, audit.CheckPart(env, n, sealed(r)))
	}
}

func sealed(r audit.PartRow) audit.SealedPart {
	return audit.SealedPart{Salt: [32]byte(r.Salt), Name: r.Name, Subject: r.Subject, Compartment: r.Compartment, Box: r.Box}
}

// envelope reads an entry in the log.
func (w *world) envelope(tenant troth.Tenant, id troth.EntryID) audit.Envelope {
	w.Helper()
	row, found, err := w.store.LogEntry(w.Context(), tenant, id)
	require.NoError(w, err)
	require.True(w, found)
	_, env, err := audit.ParseLeaf(row.Leaf)
	require.NoError(w, err)
	return env
}

func TestCheckPart_RefusesEveryOtherPart(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), letter("acme"))
	w.toLog()
	env := w.envelope("acme", id)
	rows, err := w.store.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	good := sealed(rows[0])
	require.NoError(t, audit.CheckPart(env, 0, good))
	for _, n := range []int{-1, 1, 2, 3} {
		require.ErrorIs(t, audit.CheckPart(env, n, good), audit.ErrPart)
	}
	for i := range len(good.Box) {
		bad := sealed(rows[0])
		bad.Box = append([]byte{}, good.Box...)
		bad.Box[i] ^= 1
		require.ErrorIs(t, audit.CheckPart(env, 0, bad), audit.ErrPart)
	}
	for name, spoil := range map[string]func(p *audit.SealedPart){
		"salt":        func(p *audit.SealedPart) { p.Salt[31] ^= 1 },
		"name":        func(p *audit.SealedPart) { p.Name = "address" },
		"subject":     func(p *audit.SealedPart) { p.Subject = rows[1].Subject },
		"compartment": func(p *audit.SealedPart) { p.Compartment = troth.DefaultCompartment },
		"shorter":     func(p *audit.SealedPart) { p.Box = p.Box[1:] },
		"another box": func(p *audit.SealedPart) { p.Box = rows[1].Box },
		"none":        func(p *audit.SealedPart) { p.Box = nil },
	} {
		bad := good
		spoil(&bad)
		require.ErrorIs(t, audit.CheckPart(env, 0, bad), audit.ErrPart, name)
	}
}

func TestOpenPart_RefusesWhatItCannotOpen(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), letter("acme"))
	bare := w.record(w.as(kim), touch("acme", "17"))
	w.record(w.as(kim), letter("bolt"))
	var ie *troth.IdentifierError
	for range 2 {
		for _, n := range []int{-1, 3} {
			_, err := w.open("acme", id, n, "17")
			require.ErrorIs(t, err, audit.ErrNoPart)
		}
		_, err := w.open("acme", bare, 0, "17")
		require.ErrorIs(t, err, audit.ErrNoPart)
		_, err = w.open("bolt", id, 0, "17")
		require.ErrorIs(t, err, audit.ErrNoEntry, "another tenant's")
		_, err = w.open("acme", troth.EntryID{}, 0, "17")
		require.ErrorIs(t, err, audit.ErrNoEntry)
		_, err = w.open("acme", id, 0, "18")
		require.ErrorIs(t, err, audit.ErrOtherSubject)
		_, err = w.open("acme", id, 0, "19")
		require.Error(t, err, "somebody whom the trail does not know")
		_, err = w.open("acme", id, 0, "")
		require.ErrorAs(t, err, &ie)
		_, err = w.trail.OpenPart(w.as(kim), audit.PartRef{Tenant: "acme", Entry: id, SubjectID: "17"}, "")
		require.ErrorAs(t, err, &ie, "an opening names a purpose")
		_, err = w.trail.Parts(t.Context(), "", id)
		require.ErrorAs(t, err, &ie)
		_, err = w.trail.Parts(t.Context(), "bolt", id)
		require.ErrorIs(t, err, audit.ErrNoEntry)
		w.toLog()
	}
}

func TestOpenPart_OpensForSomebodyWhoseLinkWasCut(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	id := w.record(w.as(kim), letter("acme"))
	require.NoError(t, w.trail.ForgetPseudonym(w.as(kim), leave, ada))
	got, err := w.open("acme", id, 0, "17")
	require.NoError(t, err)
	require.Equal(t, "dear canary of acme", string(got))
	_, err = w.open("acme", id, 0, "19")
	require.Error(t, err)
}

// forgedParts is a store in which somebody changed the rows of parts.
type forgedParts struct {
	audit.Backend
	change func(rows []audit.PartRow) []audit.PartRow
}

func (s forgedParts) Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]audit.PartRow, error) {
	rows, err := s.Backend.Parts(ctx, tenant, id)
	return s.change(rows), err
}

func TestParts_HostileRowsAreDamageAndDoNotOpen(t *testing.T) {
	w := newWorld(t)
	another := w.record(w.as(kim), letter("acme"))
	w.tick()
	id := w.record(w.as(kim), letter("acme"))
	elsewhere, err := w.store.Parts(t.Context(), "acme", another)
	require.NoError(t, err)
	w.tick()
	w.record(w.as(kim), shredding("acme", "18", "subject", nil))
	w.toLog()
	for name, change := range map[string]func(rows []audit.PartRow) []audit.PartRow{
		"box of another part": func(rows []audit.PartRow) []audit.PartRow {
			rows[0].Box = rows[2].Box
			return rows
		},
		"box of another entry": func(rows []audit.PartRow) []audit.PartRow {
			rows[0].Box, rows[0].Salt = elsewhere[0].Box, elsewhere[0].Salt
			return rows
		},
		"salt":                       func(rows []audit.PartRow) []audit.PartRow { rows[0].Salt[0] ^= 1; return rows },
		"short salt":                 func(rows []audit.PartRow) []audit.PartRow { rows[0].Salt = rows[0].Salt[1:]; return rows },
		"name":                       func(rows []audit.PartRow) []audit.PartRow { rows[0].Name = "address"; return rows },
		"subject that was shredded":  func(rows []audit.PartRow) []audit.PartRow { rows[0].Subject = rows[1].Subject; return rows },
		"compartment":                func(rows []audit.PartRow) []audit.PartRow { rows[0].Compartment = "other"; return rows },
		"time":                       func(rows []audit.PartRow) []audit.PartRow { rows[0].RecordedAt--; return rows },
		"said to be withheld":        func(rows []audit.PartRow) []audit.PartRow { rows[0].Box = []byte{0}; return rows },
		"removed":                    func(rows []audit.PartRow) []audit.PartRow { return rows[1:] },
		"all removed":                func([]audit.PartRow) []audit.PartRow { return nil },
		"dropped by nobody":          func(rows []audit.PartRow) []audit.PartRow { rows[0].Salt, rows[0].Box = nil, nil; return rows },
		"dropped by any other entry": func(rows []audit.PartRow) []audit.PartRow { return drop(rows, another) },
		"dropped by no entry":        func(rows []audit.PartRow) []audit.PartRow { return drop(rows, troth.NewEntryID(w.at)) },
	} {
		trail, err := audit.New(t.Context(), forgedParts{w.store, change}, w.keys, w.sealer)
		require.NoError(t, err)
		infos, err := trail.Parts(t.Context(), "acme", id)
		require.NoError(t, err, name)
		require.Len(t, infos, 3, name)
		require.Equal(t, audit.PartInfo{State: audit.PartDamaged}, infos[0], name)
		_, err = trail.OpenPart(w.as(kim), audit.PartRef{Tenant: "acme", Entry: id, SubjectID: "17"}, "test")
		require.ErrorIs(t, err, audit.ErrPart, name)
	}
	more := forgedParts{w.store, func(rows []audit.PartRow) []audit.PartRow {
		extra := rows[0]
		extra.Part = 3
		return append(rows, extra)
	}}
	trail, err := audit.New(t.Context(), more, w.keys, w.sealer)
	require.NoError(t, err)
	infos, err := trail.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	require.Equal(t, audit.PartInfo{Part: 3, State: audit.PartDamaged}, infos[3])
}

func drop(rows []audit.PartRow, by troth.EntryID) []audit.PartRow {
	rows[0].Salt, rows[0].Box, rows[0].DroppedBy = nil, nil, by
	return rows
}

func TestParts_OfAnEntryThatCannotBeBelieved(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), letter("acme"))
	w.toLog()
	for name, change := range map[string]func(row *audit.LogRow){
		"leaf":   func(row *audit.LogRow) { row.Leaf[len(row.Leaf)-1] ^= 1 },
		"hash":   func(row *audit.LogRow) { row.Hash[0] ^= 1 },
		"index":  func(row *audit.LogRow) { row.Index++ },
		"number": func(row *audit.LogRow) { row.Number++ },
		"gone":   func(row *audit.LogRow) { row.Leaf = nil },
		"long":   func(row *audit.LogRow) { row.Leaf, row.Oversized = nil, true },
	} {
		trail, err := audit.New(t.Context(), forgedLog{w.store, change}, w.keys, w.sealer)
		require.NoError(t, err)
		_, err = trail.Parts(t.Context(), "acme", id)
		wrong, ok := errors.AsType[*audit.EntryError](err)
		require.True(t, ok, "%s: %v", name, err)
		require.Equal(t, id, wrong.ID)
		_, err = trail.OpenPart(w.as(kim), audit.PartRef{Tenant: "acme", Entry: id, SubjectID: "17"}, "test")
		require.ErrorIs(t, err, audit.ErrLeaf, name)
	}
}

// forgedLog is a store in which somebody changed an entry in the log.
type forgedLog struct {
	audit.Backend
	change func(row *audit.LogRow)
}

func (s forgedLog) LogEntry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (audit.LogRow, bool, error) {
	row, found, err := s.Backend.LogEntry(ctx, tenant, id)
	s.change(&row)
	return row, found, err
}

func TestRecord_RefusesPartsThatDoNotFitTheAct(t *testing.T) {
	w := newWorld(t)
	e := letter("acme")
	e.Parts[0].Name = "other"
	_, err := w.trail.Record(w.as(kim), e)
	_, ok := errors.AsType[*troth.ActError](err)
	require.True(t, ok)
	require.Empty(t, w.records("acme"))
}

func TestRecord_PartsThatCannotBeSealedFailTheAct(t *testing.T) {
	w := newWorld(t)
	for name, sealer := range map[string]troth.Sealer{
		"broken":    sealsParts{w.sealer, func([]byte) ([]byte, error) { return nil, errUndo }},
		"undecided": sealsParts{w.sealer, func([]byte) ([]byte, error) { return nil, undecided{errUndo} }},
		"empty":     sealsParts{w.sealer, func([]byte) ([]byte, error) { return nil, nil }},
		"too short": sealsParts{w.sealer, func([]byte) ([]byte, error) { return []byte{0}, nil }},
		"too long":  sealsParts{w.sealer, func([]byte) ([]byte, error) { return make([]byte, audit.MaxBox+1), nil }},
	} {
		trail, err := audit.New(t.Context(), w.store, w.keys, sealer)
		require.NoError(t, err)
		require.NoError(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
			_, err := trail.Record(ctx, letter("acme"))
			require.Error(t, err, name)
			return nil // swallowed, and still nothing is left
		}))
		require.Empty(t, w.records("acme"))
		_, linked, err := w.trail.Pseudonym(t.Context(), ada)
		require.NoError(t, err)
		require.False(t, linked)
	}
}

// sealsParts is a sealer with other boxes for parts.
type sealsParts struct {
	troth.Sealer
	box func(plaintext []byte) ([]byte, error)
}

func (s sealsParts) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	if at.Cell.Table == "troth_audit_part" {
		return s.box(plaintext)
	}
	return s.Sealer.Seal(ctx, dst, at, plaintext)
}

func TestRecord_TakesTheLongestParts(t *testing.T) {
	w := newWorld(t)
	e := letter("acme")
	e.Parts = nil
	for i := range troth.MaxParts {
		e.Parts = append(e.Parts, troth.Part{
			Name: "text", SubjectID: fmt.Sprint(i), Content: troth.Protect(make([]byte, troth.MaxPart)),
		})
	}
	id := w.record(w.as(kim), e)
	for i := range troth.MaxParts {
		got, err := w.open("acme", id, i, fmt.Sprint(i))
		require.NoError(t, err)
		require.Len(t, got, troth.MaxPart)
	}
}

func TestRecord_PartsLiveAndDieWithTheTransaction(t *testing.T) {
	w := newWorld(t)
	var id troth.EntryID
	require.ErrorIs(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		id = w.record(ctx, letter("acme"))
		return errUndo
	}), errUndo)
	_, err := w.trail.Parts(t.Context(), "acme", id)
	require.ErrorIs(t, err, audit.ErrNoEntry)
	rows, err := w.store.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestTrail_EntryAndPartsAreStoredTogether(t *testing.T) {
	record := func(f *faulty, ctx context.Context) error {
		_, err := f.trail.Record(ctx, letter("acme"))
		return err
	}
	eachFault(t, record, func(f *faulty, ctx context.Context, i faultstore.Injection) {
		err := record(f, ctx)
		f.partsFit(err == nil, i.Method == faultstore.Commit)
		require.NoError(f, record(f, troth.WithActor(f.Context(), kim)), "retry")
		f.partsFit(true, false)
	})
}

// partsFit demands that each entry has its parts.
func (f *faulty) partsFit(some, either bool) {
	f.Helper()
	entries := 0
	for r, err := range f.honest.Entries(f.Context(), "acme", audit.Query{}) {
		require.NoError(f, err)
		entries++
		infos, err := f.honest.Parts(f.Context(), "acme", r.ID)
		require.NoError(f, err)
		require.Len(f, infos, 3)
		for _, info := range infos {
			require.Equal(f, audit.PartPresent, info.State)
		}
	}
	if !either {
		require.Equal(f, some, entries > 0)
	}
}

// TestSealedPart_CommitmentIsTheOneInTheDocs reads the vector of docs/formats/audit.md.
func TestSealedPart_CommitmentIsTheOneInTheDocs(t *testing.T) {
	p := audit.SealedPart{Name: "note", Subject: audit.Pseudonym{15: 7}, Compartment: "default", Box: []byte{1, 2, 3}}
	for i := range p.Salt {
		p.Salt[i] = byte(i)
	}
	c := p.Commitment()
	page, err := os.ReadFile("../docs/formats/audit.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "`"+hex.EncodeToString(c[:])+"`")
}

// TestRecord_TakesPeopleAndCompartmentsInOrder: who creates keys of the same
// people in another order would wait for one another.
func TestRecord_TakesPeopleAndCompartmentsInOrder(t *testing.T) {
	w := newWorld(t)
	var order []string
	trail, err := audit.New(t.Context(), w.store, w.keys, seen{w.sealer, func(at troth.Context) {
		order = append(order, at.Subject.ID+" "+string(at.Compartment))
	}})
	require.NoError(t, err)
	e := letter("acme")
	e.SubjectID = "30"
	e.Parts = []troth.Part{
		{Name: "text", SubjectID: "40", Compartment: "b"},
		{Name: "text", SubjectID: "20"},
		{Name: "address", SubjectID: "40", Compartment: "a"},
	}
	_, err = trail.Record(w.as(kim), e)
	require.NoError(t, err)
	require.Equal(t, []string{
		"kim ~pseudonym", "20 ~pseudonym", "20 default", "30 ~pseudonym", "40 ~pseudonym", "40 a", "40 b",
	}, order)
}

// seen is a sealer that tells what it seals.
type seen struct {
	troth.Sealer
	tell func(at troth.Context)
}

func (s seen) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	s.tell(at)
	return s.Sealer.Seal(ctx, dst, at, plaintext)
}
