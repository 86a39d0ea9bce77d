package rightstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// tb is what the checks need of *testing.T, so that the suite's own tests can watch it
// fail.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// rig is a harness with the vocabulary of the checks: the store, its transactor, two
// tenants that nobody else uses, and a kind of items that is theirs alone.
type rig struct {
	tb
	Harness
	s    rights.Backend
	tx   troth.Transactor
	a, b troth.Tenant
	kind rights.ItemKind
}

func newRig(t tb, h Harness) *rig {
	name := rand.Text()
	return &rig{
		tb: t, Harness: h, s: h.Backend, tx: h.Backend.Transactor(),
		a: troth.Tenant(name + "-a"), b: troth.Tenant(name + "-b"), kind: rights.ItemKind(name),
	}
}

// errRefused is what closures of the suite return to have their work undone.
var errRefused = errors.New("rightstest: refused on purpose")

// instant is a time whose last microsecond matters.
const instant int64 = 1_763_776_391_123_457

func (r *rig) ok(err error, what string) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
}

func (r *rig) fails(err error, what string) {
	r.Helper()
	if err == nil {
		r.Fatalf("%s: it succeeds", what)
	}
}

// same demands that two values print alike, bytes included.
func (r *rig) same(got, want any, what string) {
	r.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		r.Fatalf("%s: got\n%s\nwant\n%s", what, g, w)
	}
}

// everyByte is in it, so that a column of text would spoil it.
func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(255 - i)
	}
	return b
}

// request is a row in which every column says something of its own.
func request(t troth.Tenant, id string) rights.RequestRow {
	return rights.RequestRow{
		Tenant: t, ID: id, SubjectID: "p", State: rights.StateVerifying, Right: rights.Erase, Owner: "dpo",
		DueAt: instant + 1, Open: true, ReceivedAt: instant, Record: everyByte(),
	}
}

// changed is a row with one change.
func changed[T any](row T, change func(row *T)) T {
	change(&row)
	return row
}

func event(t troth.Tenant, id string, seq uint32) rights.EventRow {
	return rights.EventRow{Tenant: t, Request: id, Seq: seq, Record: everyByte()}
}

func (r *rig) item(t troth.Tenant, owner, id string) rights.ItemRow {
	return rights.ItemRow{
		ItemKey: rights.ItemKey{Tenant: t, Owner: owner, Kind: r.kind, ID: id},
		DueAt:   instant, Record: everyByte(), Sealed: everyByte()[1:],
	}
}

func (r *rig) insertRequests(ctx context.Context, rows ...rights.RequestRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertRequest(ctx, row)
		r.ok(err, "insert request")
		r.same(inserted, true, "inserted")
	}
}

func (r *rig) insertItems(ctx context.Context, rows ...rights.ItemRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertItem(ctx, row)
		r.ok(err, "insert item")
		r.same(inserted, true, "inserted")
	}
}

func (r *rig) insertEvents(ctx context.Context, rows ...rights.EventRow) {
	r.Helper()
	inserted, err := r.s.InsertEvents(ctx, rows)
	r.ok(err, "insert events")
	r.same(inserted, len(rows), "inserted")
}

// many is more rows than a store may write with one statement.
const many = 100

// fill gives a tenant one row of every kind at least.
func (r *rig) fill(ctx context.Context, t troth.Tenant) {
	r.Helper()
	r.insertRequests(ctx, request(t, "1"), request(t, "3"))
	for _, id := range []string{"1", "3"} {
		r.insertEvents(ctx, event(t, id, 1))
	}
	r.insertItems(ctx, r.item(t, "1", "x"), r.item(t, "3", "x"), r.item(t, "~other", "x"))
}

func ids(rows []rights.RequestRow) string {
	var all []string
	for _, row := range rows {
		all = append(all, row.ID)
	}
	return strings.Join(all, " ")
}

// dump is all that a tenant's reads show.
func (r *rig) dump(ctx context.Context, t troth.Tenant) string {
	r.Helper()
	var b strings.Builder
	for _, id := range []string{"1", "2", "3"} {
		row, found, err := r.s.Request(ctx, t, id)
		r.ok(err, "request")
		row.Tenant = ""
		events, err := r.s.Events(ctx, t, id)
		r.ok(err, "events")
		fmt.Fprintf(&b, "%v %+v %+v\n", found, row, events)
	}
	for _, owner := range []string{"1", "2", "3", "~other"} {
		items, err := r.s.Items(ctx, rights.ItemQuery{Tenant: t, Owner: owner, Kind: r.kind, Limit: 100})
		r.ok(err, "items")
		row, found, err := r.s.Item(ctx, r.item(t, owner, "x").ItemKey)
		r.ok(err, "item")
		row.Tenant = ""
		at, err := r.s.ItemsAt(ctx, []rights.ItemKey{r.item(t, owner, "x").ItemKey, r.item(t, owner, "y").ItemKey})
		r.ok(err, "items at")
		fmt.Fprintf(&b, "%+v %v %+v %+v\n", items, found, row, at)
	}
	for _, closed := range []bool{false, true} {
		rows, err := r.s.Requests(ctx, rights.Listing{Tenant: t, Closed: closed, Limit: 100})
		r.ok(err, "requests")
		fmt.Fprintf(&b, "%+v\n", rows)
	}
	rows, err := r.s.RequestsOf(ctx, t, "p")
	r.ok(err, "requests of a person")
	fmt.Fprintf(&b, "%+v\n", rows)
	return b.String()
}

// writes are all calls that write for a tenant, by the name of their method, each of
// which changes what a tenant that was filled has.
func (r *rig) writes(t troth.Tenant) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"InsertRequest": func(ctx context.Context) error { _, err := r.s.InsertRequest(ctx, request(t, "2")); return err },
		"PutRequest": func(ctx context.Context) error {
			return r.s.PutRequest(ctx, changed(request(t, "1"), func(row *rights.RequestRow) { row.State = rights.StateAccepted }))
		},
		"DeleteRequest": func(ctx context.Context) error { _, err := r.s.DeleteRequest(ctx, t, "3"); return err },
		"InsertEvents": func(ctx context.Context) error {
			_, err := r.s.InsertEvents(ctx, []rights.EventRow{event(t, "1", 2), event(t, "1", 3)})
			return err
		},
		"WriteItems": func(ctx context.Context) error {
			return r.s.WriteItems(ctx, []rights.ItemRow{
				changed(r.item(t, "3", "x"), func(row *rights.ItemRow) { row.DueAt++ }), r.item(t, "3", "y"),
			})
		},
		"InsertItem": func(ctx context.Context) error { _, err := r.s.InsertItem(ctx, r.item(t, "1", "y")); return err },
		"PutItem": func(ctx context.Context) error {
			return r.s.PutItem(ctx, changed(r.item(t, "1", "x"), func(row *rights.ItemRow) { row.DueAt++ }))
		},
		"DeleteItem": func(ctx context.Context) error {
			_, err := r.s.DeleteItem(ctx, r.item(t, "~other", "x").ItemKey)
			return err
		},
	}
}
