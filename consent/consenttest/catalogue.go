package consenttest

import (
	"bytes"

	"github.com/trothdev/troth/consent"
)

var catalogueChecks = []check{
	{Name: "versions come back exactly, by purpose and version", Run: func(r *rig) {
		ctx := r.Context()
		for _, row := range []consent.TermsRow{terms(r.A, "q", 1), terms(r.A, "p", 2), terms(r.A, "p", 10), terms(r.A, "p", 1)} {
			inserted, err := r.s.InsertTerms(ctx, row)
			r.Wants(true, inserted, err, "insert terms")
		}
		got, err := r.s.Terms(ctx, r.A)
		r.OK(err, "terms")
		r.Same(got, []consent.TermsRow{terms(r.A, "p", 1), terms(r.A, "p", 2), terms(r.A, "p", 10), terms(r.A, "q", 1)}, "terms")
	}},
	{Name: "a version that is there stays as it is", Run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.InsertTerms(ctx, terms(r.A, "p", 1))
		r.OK(err, "insert terms")
		other := terms(r.A, "p", 1)
		other.Record = []byte("other")
		inserted, err := r.s.InsertTerms(ctx, other)
		r.Wants(false, inserted, err, "insert terms again")
		got, err := r.s.Terms(ctx, r.A)
		r.OK(err, "terms")
		r.Same(got, []consent.TermsRow{terms(r.A, "p", 1)}, "terms")
	}},
	{Name: "versions of a notice come back exactly, oldest first, and stay", Run: func(r *rig) {
		ctx := r.Context()
		for _, row := range []consent.NoticeRow{notice(r.A, "n", 10), notice(r.A, "n", 2), notice(r.A, "m", 1)} {
			inserted, err := r.s.InsertNotice(ctx, row)
			r.Wants(true, inserted, err, "insert notice")
		}
		other := notice(r.A, "n", 2)
		other.Record = nil
		inserted, err := r.s.InsertNotice(ctx, other)
		r.Wants(false, inserted, err, "insert notice again")
		got, err := r.s.Notices(ctx, r.A, "n")
		r.OK(err, "notices")
		r.Same(got, []consent.NoticeRow{notice(r.A, "n", 2), notice(r.A, "n", 10)}, "notices")
	}},
	{Name: "a text comes back exactly, and one that is there stays", Run: func(r *rig) {
		ctx := r.Context()
		_, found, err := r.s.Text(ctx, r.A, hash(1))
		r.Wants(false, found, err, "text")
		long := bytes.Repeat(everyByte(7), consent.MaxNotice/257)
		r.OK(r.s.PutText(ctx, r.A, hash(1), long), "put text")
		r.OK(r.s.PutText(ctx, r.A, hash(1), []byte("other")), "put text again")
		got, found, err := r.s.Text(ctx, r.A, hash(1))
		r.Wants(true, found, err, "text")
		if !bytes.Equal(got, long) {
			r.Fatalf("text: got %d bytes, want %d", len(got), len(long))
		}
	}},
	{Name: "refusals are counted by day and purpose", Run: func(r *rig) {
		ctx := r.Context()
		for _, day := range []int64{20_001, 20_000, 20_001} {
			r.OK(r.s.CountRefusal(ctx, r.A, "p", day), "count refusal")
		}
		r.OK(r.s.CountRefusal(ctx, r.A, "q", 20_000), "count refusal")
		got, err := r.s.Refusals(ctx, r.A, "p")
		r.OK(err, "refusals")
		r.Same(got, []consent.RefusalRow{{Day: 20_000, Count: 1}, {Day: 20_001, Count: 2}}, "refusals")
	}},
}
