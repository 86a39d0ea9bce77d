package consenttest

import (
	"bytes"

	"github.com/trothdev/troth/consent"
)

var catalogueChecks = []check{
	{name: "versions come back exactly, by purpose and version", run: func(r *rig) {
		ctx := r.Context()
		for _, row := range []consent.TermsRow{terms(r.a, "q", 1), terms(r.a, "p", 2), terms(r.a, "p", 10), terms(r.a, "p", 1)} {
			inserted, err := r.s.InsertTerms(ctx, row)
			r.wants(true, inserted, err, "insert terms")
		}
		got, err := r.s.Terms(ctx, r.a)
		r.ok(err, "terms")
		r.same(got, []consent.TermsRow{terms(r.a, "p", 1), terms(r.a, "p", 2), terms(r.a, "p", 10), terms(r.a, "q", 1)}, "terms")
	}},
	{name: "a version that is there stays as it is", run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.InsertTerms(ctx, terms(r.a, "p", 1))
		r.ok(err, "insert terms")
		other := terms(r.a, "p", 1)
		other.Record = []byte("other")
		inserted, err := r.s.InsertTerms(ctx, other)
		r.wants(false, inserted, err, "insert terms again")
		got, err := r.s.Terms(ctx, r.a)
		r.ok(err, "terms")
		r.same(got, []consent.TermsRow{terms(r.a, "p", 1)}, "terms")
	}},
	{name: "versions of a notice come back exactly, oldest first, and stay", run: func(r *rig) {
		ctx := r.Context()
		for _, row := range []consent.NoticeRow{notice(r.a, "n", 10), notice(r.a, "n", 2), notice(r.a, "m", 1)} {
			inserted, err := r.s.InsertNotice(ctx, row)
			r.wants(true, inserted, err, "insert notice")
		}
		other := notice(r.a, "n", 2)
		other.Record = nil
		inserted, err := r.s.InsertNotice(ctx, other)
		r.wants(false, inserted, err, "insert notice again")
		got, err := r.s.Notices(ctx, r.a, "n")
		r.ok(err, "notices")
		r.same(got, []consent.NoticeRow{notice(r.a, "n", 2), notice(r.a, "n", 10)}, "notices")
	}},
	{name: "a text comes back exactly, and one that is there stays", run: func(r *rig) {
		ctx := r.Context()
		_, found, err := r.s.Text(ctx, r.a, hash(1))
		r.wants(false, found, err, "text")
		long := bytes.Repeat(everyByte(7), consent.MaxNotice/257)
		r.ok(r.s.PutText(ctx, r.a, hash(1), long), "put text")
		r.ok(r.s.PutText(ctx, r.a, hash(1), []byte("other")), "put text again")
		got, found, err := r.s.Text(ctx, r.a, hash(1))
		r.wants(true, found, err, "text")
		if !bytes.Equal(got, long) {
			r.Fatalf("text: got %d bytes, want %d", len(got), len(long))
		}
	}},
	{name: "refusals are counted by day and purpose", run: func(r *rig) {
		ctx := r.Context()
		for _, day := range []int64{20_001, 20_000, 20_001} {
			r.ok(r.s.CountRefusal(ctx, r.a, "p", day), "count refusal")
		}
		r.ok(r.s.CountRefusal(ctx, r.a, "q", 20_000), "count refusal")
		got, err := r.s.Refusals(ctx, r.a, "p")
		r.ok(err, "refusals")
		r.same(got, []consent.RefusalRow{{Day: 20_000, Count: 1}, {Day: 20_001, Count: 2}}, "refusals")
	}},
}
