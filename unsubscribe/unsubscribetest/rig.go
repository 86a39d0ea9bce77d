package unsubscribetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/unsubscribe"
)

// rig is a harness with the vocabulary of the checks: the store, its transactor,
// and two tenants that nobody else uses.
type rig struct {
	suite.Rig
	Harness
	s unsubscribe.Backend
}

func newRig(t suite.TB, h Harness) *rig {
	return &rig{Rig: suite.NewRig(t, h.Backend.Transactor(), h.Host), Harness: h, s: h.Backend}
}

// What every suite has.
const (
	instant  = suite.Instant
	crowd    = suite.Crowd
	patience = suite.Patience
)

// Same demands that two values print alike, bytes and keys included.
func (r *rig) Same(got, want any, what string) {
	r.Helper()
	r.Rig.Same(show(got), show(want), what)
}

// show prints a value with its keys, which do not print themselves.
func show(v any) string {
	switch v := v.(type) {
	case []unsubscribe.EntryRow:
		var b strings.Builder
		for _, row := range v {
			b.WriteString(show(row))
		}
		return b.String()
	case unsubscribe.EntryRow:
		return fmt.Sprintf("%s %s %s %s %q %v %d %d %q\n", v.Tenant, v.Key.Hex(), v.Mailbox.Hex(), v.Channel, v.List,
			v.Marks, v.OptInAt, v.Generation, v.Event)
	case []unsubscribe.EventRow:
		var b strings.Builder
		for _, row := range v {
			b.WriteString(show(row))
		}
		return b.String()
	case unsubscribe.EventRow:
		return fmt.Sprintf("%s %q %s %s %d %x %q %x\n", v.Tenant, v.ID, v.Key.Hex(), v.Mailbox.Hex(), v.RecordedAt,
			v.Record, v.SubjectID, v.Content)
	}
	return fmt.Sprintf("%+v", v)
}

// everyByte is in it, so that a column of text would spoil it.
func everyByte(salt byte) []byte { return append(suite.EveryByte(), salt) }

func keyOf(who string) unsubscribe.Key { return sha256.Sum256([]byte(who)) }

// entry is a row in which every column says something of its own.
func entry(t troth.Tenant, who, list string) unsubscribe.EntryRow {
	return unsubscribe.EntryRow{
		Tenant: t, Key: keyOf(who), Mailbox: keyOf(who), Channel: unsubscribe.Email, List: list,
		Marks: [4]int64{instant, instant + 1, instant + 2, instant + 3}, OptInAt: instant - 1, Generation: 7, Event: "e1",
	}
}

func said(t troth.Tenant, who, id string, at int64) unsubscribe.EventRow {
	return unsubscribe.EventRow{
		Tenant: t, ID: id, Key: keyOf(who), Mailbox: keyOf("box of " + who), RecordedAt: at,
		Record: everyByte(1), SubjectID: "c-" + who, Content: everyByte(2),
	}
}

func delivery(t troth.Tenant, provider string) unsubscribe.DeliveryRow {
	return unsubscribe.DeliveryRow{
		Tenant: t, EventID: "e1", Provider: provider, State: unsubscribe.DeliveryPending,
		NotedAt: instant, DueAt: instant + 1000, ToldAt: 0, Rule: "a.b.c", Attempts: 3, Alarmed: 50, NextAlarm: instant + 500,
	}
}

func (r *rig) lock(ctx context.Context, row unsubscribe.EntryRow) unsubscribe.EntryRow {
	r.Helper()
	got, err := r.s.LockEntry(ctx, row)
	r.OK(err, "lock entry")
	return got
}

// keep makes rows of entries as they are.
func (r *rig) keep(ctx context.Context, rows ...unsubscribe.EntryRow) {
	r.Helper()
	r.Atomically(ctx, func(ctx context.Context) {
		for _, row := range rows {
			r.lock(ctx, row)
		}
	})
}

// fill gives a tenant one row of every kind at least, the same for each tenant but
// for the tenant.
func (r *rig) fill(ctx context.Context, t troth.Tenant) {
	r.Helper()
	r.keep(ctx, entry(t, "42", ""), entry(t, "42", "l"), entry(t, "43", ""))
	for _, row := range []unsubscribe.EventRow{said(t, "42", "e1", instant), said(t, "43", "e2", instant)} {
		_, err := r.s.InsertEvent(ctx, row)
		r.OK(err, "insert event")
	}
	_, err := r.s.InsertDelivery(ctx, delivery(t, "mailer"))
	r.OK(err, "insert delivery")
}

// writes are all calls that write, by the name of their method, each of which
// changes what a tenant that was filled has.
func (r *rig) writes(t troth.Tenant) map[string]func(ctx context.Context) error {
	s := r.s
	in := func(fn func(ctx context.Context) error) func(ctx context.Context) error {
		return func(ctx context.Context) error { return r.TX.Atomically(ctx, fn) }
	}
	return map[string]func(ctx context.Context) error{
		"Rekey": in(func(ctx context.Context) error {
			epoch, err := s.Epoch(ctx, t)
			if err != nil {
				return err
			}
			_, err = s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: t, From: epoch, To: epoch + 1, Wrap: flip})
			return err
		}),
		"LockEntry": in(func(ctx context.Context) error {
			_, err := s.LockEntry(ctx, entry(t, "42", "other"))
			return err
		}),
		"PutEntry": func(ctx context.Context) error {
			row := entry(t, "42", "")
			row.Generation = 99
			return s.PutEntry(ctx, row)
		},
		"InsertEvent": func(ctx context.Context) error {
			_, err := s.InsertEvent(ctx, said(t, "42", "e3", instant))
			return err
		},
		"EraseContent": func(ctx context.Context) error { _, err := s.EraseContent(ctx, t, "e1"); return err },
		"EraseSubject": func(ctx context.Context) error { _, err := s.EraseSubject(ctx, t, "c-43"); return err },
		"InsertDelivery": func(ctx context.Context) error {
			_, err := s.InsertDelivery(ctx, delivery(t, "other"))
			return err
		},
		"PutDelivery": func(ctx context.Context) error {
			row := delivery(t, "mailer")
			row.Attempts = 99
			return s.PutDelivery(ctx, row)
		},
	}
}

// flip is a change of keys that undoes itself.
func flip(k unsubscribe.Key) unsubscribe.Key {
	for i := range k {
		k[i] ^= 0x5a
	}
	return k
}

// sorted gives entries an order of their own.
func sorted(rows []unsubscribe.EntryRow) []unsubscribe.EntryRow {
	slices.SortFunc(rows, func(a, b unsubscribe.EntryRow) int { return strings.Compare(show(a), show(b)) })
	return rows
}

// dump is everything that the reads tell of what fill and writes make.
func (r *rig) dump(ctx context.Context, t troth.Tenant) string {
	r.Helper()
	var b strings.Builder
	add := func(what string, v any, err error) {
		r.OK(err, what)
		fmt.Fprintf(&b, "%s: %s\n", what, show(v))
	}
	epoch, err := r.s.Epoch(ctx, t)
	add("Epoch", epoch, err)
	for _, who := range []string{"42", "43"} {
		for _, key := range []unsubscribe.Key{keyOf(who), flip(keyOf(who))} {
			entries, err := r.s.Entries(ctx, t, []unsubscribe.Key{key})
			add("Entries", sorted(entries), err)
			events, err := r.s.Events(ctx, t, key)
			add("Events", events, err)
		}
	}
	of, err := r.s.EntriesOf(ctx, t, unsubscribe.Cursor{}, 100)
	add("EntriesOf", of, err)
	for _, id := range []string{"e1", "e2", "e3"} {
		row, found, err := r.s.Event(ctx, t, id)
		add("Event", row, err)
		add("Event found", found, err)
		deliveries, err := r.s.Deliveries(ctx, t, id)
		add("Deliveries", deliveries, err)
	}
	var ours []unsubscribe.DeliveryRow
	due, err := r.s.DueDeliveries(ctx, instant+500, 1000)
	for _, d := range due {
		if d.Tenant == t {
			ours = append(ours, d)
		}
	}
	add("DueDeliveries", ours, err)
	var after unsubscribe.Cursor
	for {
		page, err := r.s.EntriesAfter(ctx, after, 1000)
		r.OK(err, "entries after")
		for _, row := range page {
			if row.Tenant == t {
				add("EntriesAfter", row, nil)
			}
			after = row.Cursor()
		}
		if len(page) < 1000 {
			return b.String()
		}
	}
}
