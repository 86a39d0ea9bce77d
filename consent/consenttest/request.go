package consenttest

import (
	"github.com/trothdev/troth/consent"
)

var requestChecks = []check{
	{Name: "a request is found by its newest token only", Run: func(r *rig) {
		ctx := r.Context()
		r.OK(r.s.PutRequest(ctx, requestOf(r.A, "42", "q2", 2)), "put request")
		r.OK(r.s.PutRequest(ctx, requestOf(r.A, "42", "q1", 1)), "put request")
		r.OK(r.s.PutRequest(ctx, requestOf(r.A, "42", "q1", 3)), "put request again")
		_, found, err := r.s.RequestByToken(ctx, r.A, hash(1))
		r.Wants(false, found, err, "by the token before")
		got, found, err := r.s.RequestByToken(ctx, r.A, hash(3))
		r.Wants(true, found, err, "by token")
		r.Same(got, requestOf(r.A, "42", "q1", 3), "request")
		all, err := r.s.Requests(ctx, r.A, "42")
		r.OK(err, "requests")
		r.Same(all, []consent.RequestRow{requestOf(r.A, "42", "q1", 3), requestOf(r.A, "42", "q2", 2)}, "requests")
	}},
	{Name: "a request that is deleted is found no more, and others are", Run: func(r *rig) {
		ctx := r.Context()
		r.OK(r.s.PutRequest(ctx, requestOf(r.A, "42", "q1", 1)), "put request")
		r.OK(r.s.PutRequest(ctx, requestOf(r.A, "43", "q1", 2)), "put request")
		r.OK(r.s.DeleteRequest(ctx, r.A, "42", "q1"), "delete request")
		r.OK(r.s.DeleteRequest(ctx, r.A, "42", "q1"), "delete request again")
		_, found, err := r.s.RequestByToken(ctx, r.A, hash(1))
		r.Wants(false, found, err, "deleted")
		_, found, err = r.s.RequestByToken(ctx, r.A, hash(2))
		r.Wants(true, found, err, "another person's")
	}},
}

var dueChecks = []check{
	{Name: "what is due comes of all tenants, oldest first, before the instant, within the limit", Run: func(r *rig) {
		ctx := r.Context()
		// Long before everything else that the store may hold.
		rows := []consent.DueRow{
			dueOf(r.B, "2", consent.DueProof, 20), dueOf(r.A, "1", consent.DueRefresh, 10), dueOf(r.A, "3", consent.DueRequest, 30),
			dueOf(r.A, "4", consent.DueMajority, 40),
		}
		for _, row := range rows {
			r.OK(r.s.PutDue(ctx, row), "put due")
		}
		got, err := r.s.Due(ctx, 40, 100)
		r.OK(err, "due")
		r.Same(got, []consent.DueRow{rows[1], rows[0], rows[2]}, "due")
		got, err = r.s.Due(ctx, 40, 2)
		r.OK(err, "due")
		r.Same(got, []consent.DueRow{rows[1], rows[0]}, "due, two of them")
	}},
	{Name: "what is due is moved by putting it again, and gone by deleting it", Run: func(r *rig) {
		ctx := r.Context()
		r.OK(r.s.PutDue(ctx, dueOf(r.A, "1", consent.DueRefresh, 10)), "put due")
		r.OK(r.s.PutDue(ctx, dueOf(r.A, "1", consent.DueMajority, 11)), "put due")
		r.OK(r.s.PutDue(ctx, dueOf(r.A, "1", consent.DueRefresh, 12)), "put due again")
		other := dueOf(r.A, "1", consent.DueRefresh, 13)
		other.Ref = "other"
		r.OK(r.s.PutDue(ctx, other), "put due")
		got, err := r.s.Due(ctx, 100, 100)
		r.OK(err, "due")
		r.Same(got, []consent.DueRow{dueOf(r.A, "1", consent.DueMajority, 11), dueOf(r.A, "1", consent.DueRefresh, 12), other}, "due")
		r.OK(r.s.DeleteDue(ctx, dueOf(r.A, "1", consent.DueRefresh, 0)), "delete due")
		r.OK(r.s.DeleteDue(ctx, dueOf(r.A, "nobody", consent.DueRefresh, 0)), "delete nothing")
		got, err = r.s.Due(ctx, 100, 100)
		r.OK(err, "due")
		r.Same(got, []consent.DueRow{dueOf(r.A, "1", consent.DueMajority, 11), other}, "due")
	}},
	{Name: "a keeper takes over for ever", Run: func(r *rig) {
		managed, err := r.s.Managed(r.Context())
		r.Wants(false, managed, err, "managed")
		for range 2 {
			r.OK(r.s.SetManaged(r.Context()), "set managed")
			managed, err = r.s.Managed(r.Context())
			r.Wants(true, managed, err, "managed")
		}
	}},
}
