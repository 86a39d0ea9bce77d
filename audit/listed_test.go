package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// listing yields what a test wrote down.
type listing []struct {
	record audit.Record
	err    error
}

func (l listing) all() iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, e := range l {
			if !yield(e.record, e.err) {
				return
			}
		}
	}
}

func someID(last byte) troth.EntryID { return troth.EntryID{1, 2, 3, 4, 5, 6, 0x70, 0, 0x80, 15: last} }

// listedRecords are one entry of each state, with facts of each kind, and with
// words that somebody chose to be run.
func listedRecords() listing {
	at := time.UnixMicro(1_795_000_000_120_000)
	full := audit.Record{Raw: []byte{1}, Position: audit.Position{Log: 1, Index: 0, Number: 1}}
	full.Envelope = audit.Envelope{
		ID: someID(1), RecordedAt: at, Tenant: "acme", Act: "shop.export", ActVersion: 2, Outcome: troth.Done,
		Actor:   audit.ActorRef{Kind: troth.Person, Person: audit.Pseudonym{0xaa, 15: 1}, Home: "acme"},
		Subject: audit.Pseudonym{0xbb, 15: 2}, Purpose: "access-request",
		Facts: []audit.NamedFact{
			{Name: "z", Fact: troth.Word("a <b> & \"c\"")},
			{Name: "classes", Fact: troth.Words("orders", "profile, old")},
			{Name: "n", Fact: troth.Count(-3)},
			{Name: "until", Fact: troth.Instant(at)},
			{Name: "digest", Fact: troth.Digest([32]byte{0xcc, 31: 3})},
			{Name: "window", Fact: troth.ID("w-1")},
		},
		Commitments: make([][32]byte, 2),
	}
	formula := audit.Record{Raw: []byte{1}, Pending: true}
	formula.Envelope = audit.Envelope{
		ID: someID(2), RecordedAt: at.Add(time.Microsecond), Tenant: "+acme", Act: "shop.touch", ActVersion: 1, Outcome: troth.Refused,
		Actor: audit.ActorRef{Kind: troth.Service, Service: "=cmd|'/c calc'!A1", Home: troth.Platform}, Purpose: "'quoted",
	}
	redacted := audit.Record{Position: audit.Position{Log: 1, Index: 7, Number: 2}, RedactedBy: someID(9)}
	redacted.ID, redacted.Tenant = someID(3), "acme"
	changed := audit.Record{Raw: []byte{1}, Position: audit.Position{Log: 2, Index: 1, Number: 1}}
	changed.ID, changed.Tenant = someID(4), "acme"
	return listing{
		{record: full},
		{record: formula},
		{record: redacted},
		{changed, &audit.EntryError{ID: someID(4), Err: audit.ErrLeaf}},
		{audit.Record{Raw: []byte{1}, Pending: true}, &audit.EntryError{ID: someID(5), Err: audit.ErrEnvelope}},
	}
}

func TestWriteJSONL_Golden(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, audit.WriteJSONL(&b, listedRecords().all()))
	golden(t, "entries.jsonl", b.Bytes())
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	require.Len(t, lines, 5)
	for _, line := range lines {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

func TestWriteCSV_Golden(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, audit.WriteCSV(&b, listedRecords().all()))
	golden(t, "entries.csv", b.Bytes())
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 6, "a line of names, and all of them as long")
	for _, row := range rows {
		for _, value := range row {
			assert.NotContains(t, "=+-@\t\r\n", first(value))
		}
	}
}

// first is the first byte of a value, a letter if there is none.
func first(value string) string { return (value + "a")[:1] }

func TestWriteCSV_WhatWasRecordedComesBack(t *testing.T) {
	for _, word := range []string{
		"plain", "=1+1", "+1", "-1", "@sum", "'=1", "''", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "a=b", "a,b", `a"b`,
	} {
		r := audit.Record{Raw: []byte{1}, Pending: true}
		r.ID, r.Purpose = someID(1), troth.Purpose(word)
		var b bytes.Buffer
		require.NoError(t, audit.WriteCSV(&b, listing{{record: r}}.all()))
		rows, err := csv.NewReader(&b).ReadAll()
		require.NoError(t, err)
		cell := rows[1][14]
		require.Equal(t, "purpose", rows[0][14])
		if word == "plain" || strings.HasPrefix(word, "a") {
			require.Equal(t, word, cell)
			continue
		}
		require.Equal(t, "'"+word, cell)
	}
}

var errStore = errors.New("no connection")

func TestWrite_EndsWithTheSequencesError(t *testing.T) {
	for name, write := range writers {
		l := slices.Concat(listedRecords()[:1], listing{{err: errStore}})
		var b bytes.Buffer
		require.ErrorIs(t, write(&b, l.all()), errStore, name)
		assert.Contains(t, b.String(), someID(1).String(), "%s: what came before was written", name)
	}
}

func TestWrite_TellsThatItCouldNot(t *testing.T) {
	for name, write := range writers {
		for _, room := range []int{0, 10, 6000} {
			var many listing
			for range 100 {
				many = append(many, listedRecords()...)
			}
			err := write(&fullDisk{room: room}, many.all())
			require.ErrorIs(t, err, errFull, "%s, %d bytes", name, room)
			require.ErrorContains(t, err, "audit: write entries: ")
		}
	}
}

var writers = map[string]func(io.Writer, iter.Seq2[audit.Record, error]) error{
	"JSON Lines": audit.WriteJSONL, "CSV": audit.WriteCSV,
}

var errFull = errors.New("no room")

// fullDisk takes so many bytes.
type fullDisk struct{ room int }

func (f *fullDisk) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return 0, errFull
	}
	f.room -= len(b)
	return len(b), nil
}

// TestWrite_OfATrail writes what a trail lists: logged, redacted and pending.
func TestWrite_OfATrail(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	gone := w.record(w.as(kim), touch("acme", "17"))
	w.tick()
	kept := w.record(w.as(kim), touch("acme", "17"))
	w.toLog()
	_, err := w.redact("acme", gone)
	require.NoError(t, err)

	var jsonl, table bytes.Buffer
	require.NoError(t, audit.WriteJSONL(&jsonl, w.trail.Entries(t.Context(), "acme", audit.Query{})))
	require.NoError(t, audit.WriteCSV(&table, w.trail.Entries(t.Context(), "acme", audit.Query{})))
	rows, err := csv.NewReader(&table).ReadAll()
	require.NoError(t, err)
	var states []string
	dec := json.NewDecoder(&jsonl)
	for _, row := range rows[1:] {
		var e struct {
			State, ID  string
			RecordedAt string `json:"recorded_at"`
			Facts      map[string]any
		}
		require.NoError(t, dec.Decode(&e))
		states = append(states, e.State)
		require.Equal(t, row[0], e.State)
		require.Equal(t, row[4], e.ID)
		require.Equal(t, row[6], e.RecordedAt)
		if e.ID == kept.String() {
			assert.Equal(t, map[string]any{"class": "orders", "n": 3.0}, e.Facts)
			assert.Equal(t, "class=orders n=3", row[15])
			at, err := time.Parse(time.RFC3339, e.RecordedAt)
			require.NoError(t, err)
			assert.Equal(t, w.the("acme", kept).RecordedAt, at)
		}
	}
	require.Equal(t, []string{"redacted", "logged", "pending"}, states)
}
