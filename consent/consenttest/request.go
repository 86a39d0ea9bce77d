package consenttest

import (
	"github.com/trothdev/troth/consent"
)

var requestChecks = []check{
	{name: "a request is found by its newest token only", run: func(r *rig) {
		ctx := r.Context()
		r.ok(r.s.PutRequest(ctx, requestOf(r.a, "42", "q2", 2)), "put request")
		r.ok(r.s.PutRequest(ctx, requestOf(r.a, "42", "q1", 1)), "put request")
		r.ok(r.s.PutRequest(ctx, requestOf(r.a, "42", "q1", 3)), "put request again")
		_, found, err := r.s.RequestByToken(ctx, r.a, hash(1))
		r.wants(false, found, err, "by the token before")
		got, found, err := r.s.RequestByToken(ctx, r.a, hash(3))
		r.wants(true, found, err, "by token")
		r.same(got, requestOf(r.a, "42", "q1", 3), "request")
		all, err := r.s.Requests(ctx, r.a, "42")
		r.ok(err, "requests")
		r.same(all, []consent.RequestRow{requestOf(r.a, "42", "q1", 3), requestOf(r.a, "42", "q2", 2)}, "requests")
	}},
	{name: "a request that is deleted is found no more, and others are", run: func(r *rig) {
		ctx := r.Context()
		r.ok(r.s.PutRequest(ctx, requestOf(r.a, "42", "q1", 1)), "put request")
		r.ok(r.s.PutRequest(ctx, requestOf(r.a, "43", "q1", 2)), "put request")
		r.ok(r.s.DeleteRequest(ctx, r.a, "42", "q1"), "delete request")
		r.ok(r.s.DeleteRequest(ctx, r.a, "42", "q1"), "delete request again")
		_, found, err := r.s.RequestByToken(ctx, r.a, hash(1))
		r.wants(false, found, err, "deleted")
		_, found, err = r.s.RequestByToken(ctx, r.a, hash(2))
		r.wants(true, found, err, "another person's")
	}},
}

var dueChecks = []check{
	{name: "what is due comes of all tenants, oldest first, before the instant, within the limit", run: func(r *rig) {
		ctx := r.Context()
		// Long before everything else that the store may hold.
		rows := []consent.DueRow{
			dueOf(r.b, "2", consent.DueProof, 20), dueOf(r.a, "1", consent.DueRefresh, 10), dueOf(r.a, "3", consent.DueRequest, 30),
			dueOf(r.a, "4", consent.DueMajority, 40),
		}
		for _, row := range rows {
			r.ok(r.s.PutDue(ctx, row), "put due")
		}
		got, err := r.s.Due(ctx, 40, 100)
		r.ok(err, "due")
		r.same(got, []consent.DueRow{rows[1], rows[0], rows[2]}, "due")
		got, err = r.s.Due(ctx, 40, 2)
		r.ok(err, "due")
		r.same(got, []consent.DueRow{rows[1], rows[0]}, "due, two of them")
	}},
	{name: "what is due is moved by putting it again, and gone by deleting it", run: func(r *rig) {
		ctx := r.Context()
		r.ok(r.s.PutDue(ctx, dueOf(r.a, "1", consent.DueRefresh, 10)), "put due")
		r.ok(r.s.PutDue(ctx, dueOf(r.a, "1", consent.DueMajority, 11)), "put due")
		r.ok(r.s.PutDue(ctx, dueOf(r.a, "1", consent.DueRefresh, 12)), "put due again")
		other := dueOf(r.a, "1", consent.DueRefresh, 13)
		other.Ref = "other"
		r.ok(r.s.PutDue(ctx, other), "put due")
		got, err := r.s.Due(ctx, 100, 100)
		r.ok(err, "due")
		r.same(got, []consent.DueRow{dueOf(r.a, "1", consent.DueMajority, 11), dueOf(r.a, "1", consent.DueRefresh, 12), other}, "due")
		r.ok(r.s.DeleteDue(ctx, dueOf(r.a, "1", consent.DueRefresh, 0)), "delete due")
		r.ok(r.s.DeleteDue(ctx, dueOf(r.a, "nobody", consent.DueRefresh, 0)), "delete nothing")
		got, err = r.s.Due(ctx, 100, 100)
		r.ok(err, "due")
		r.same(got, []consent.DueRow{dueOf(r.a, "1", consent.DueMajority, 11), other}, "due")
	}},
	{name: "a keeper takes over for ever", run: func(r *rig) {
		managed, err := r.s.Managed(r.Context())
		r.wants(false, managed, err, "managed")
		for range 2 {
			r.ok(r.s.SetManaged(r.Context()), "set managed")
			managed, err = r.s.Managed(r.Context())
			r.wants(true, managed, err, "managed")
		}
	}},
}
