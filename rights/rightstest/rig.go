package rightstest

import (
	"context"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/rights"
)

// rig is a harness with the vocabulary of the checks: the store, its transactor, two
// tenants that nobody else uses, and a kind of items that is theirs alone.
type rig struct {
	suite.Rig
	Harness
	s    rights.Backend
	kind rights.ItemKind
}

func newRig(t suite.TB, h Harness) *rig {
	r := &rig{Rig: suite.NewRig(t, h.Backend.Transactor(), h.Host), Harness: h, s: h.Backend}
	r.kind = rights.ItemKind(r.A)
	return r
}

// instant is a time whose last microsecond matters.
const instant = suite.Instant

// request is a row in which every column says something of its own.
func request(t troth.Tenant, id string) rights.RequestRow {
	return rights.RequestRow{
		Tenant: t, ID: id, SubjectID: "p", State: rights.StateVerifying, Right: rights.Erase, Owner: "dpo",
		DueAt: instant + 1, Open: true, ReceivedAt: instant, Record: suite.EveryByte(),
	}
}

// changed is a row with one change.
func changed[T any](row T, change func(row *T)) T {
	change(&row)
	return row
}

func event(t troth.Tenant, id string, seq uint32) rights.EventRow {
	return rights.EventRow{Tenant: t, Request: id, Seq: seq, Record: suite.EveryByte()}
}

func (r *rig) item(t troth.Tenant, owner, id string) rights.ItemRow {
	return rights.ItemRow{
		ItemKey: rights.ItemKey{Tenant: t, Owner: owner, Kind: r.kind, ID: id},
		DueAt:   instant, Record: suite.EveryByte(), Sealed: suite.EveryByte()[1:],
	}
}

func (r *rig) insertRequests(ctx context.Context, rows ...rights.RequestRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertRequest(ctx, row)
		r.OK(err, "insert request")
		r.Same(inserted, true, "inserted")
	}
}

func (r *rig) insertItems(ctx context.Context, rows ...rights.ItemRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertItem(ctx, row)
		r.OK(err, "insert item")
		r.Same(inserted, true, "inserted")
	}
}

func (r *rig) insertEvents(ctx context.Context, rows ...rights.EventRow) {
	r.Helper()
	inserted, err := r.s.InsertEvents(ctx, rows)
	r.OK(err, "insert events")
	r.Same(inserted, len(rows), "inserted")
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
		r.OK(err, "request")
		row.Tenant = ""
		events, err := r.s.Events(ctx, t, id)
		r.OK(err, "events")
		f, _, err := r.s.File(ctx, t, id, []rights.ItemKind{r.kind})
		r.OK(err, "file")
		f.Request.Tenant = ""
		fmt.Fprintf(&b, "%v %+v %+v %+v\n", found, row, events, f)
	}
	for _, owner := range []string{"1", "2", "3", "~other"} {
		items, err := r.s.Items(ctx, rights.ItemQuery{Tenant: t, Owner: owner, Kind: r.kind, Limit: 100})
		r.OK(err, "items")
		row, found, err := r.s.Item(ctx, r.item(t, owner, "x").ItemKey)
		r.OK(err, "item")
		row.Tenant = ""
		at, err := r.s.ItemsAt(ctx, []rights.ItemKey{r.item(t, owner, "x").ItemKey, r.item(t, owner, "y").ItemKey})
		r.OK(err, "items at")
		fmt.Fprintf(&b, "%+v %v %+v %+v\n", items, found, row, at)
	}
	for _, closed := range []bool{false, true} {
		rows, err := r.s.Requests(ctx, rights.Listing{Tenant: t, Closed: closed, Limit: 100})
		r.OK(err, "requests")
		fmt.Fprintf(&b, "%+v\n", rows)
	}
	rows, err := r.s.RequestsOf(ctx, t, "p")
	r.OK(err, "requests of a person")
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
