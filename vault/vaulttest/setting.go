package vaulttest

import "context"

func (r *rig) managed(ctx context.Context, want bool) {
	r.Helper()
	got, err := r.s.Managed(ctx)
	r.Wants(want, got, err, "managed")
}

var settingChecks = []check{
	{Name: "a store is managed once a keeper has taken it over, for ever", Run: func(r *rig) {
		ctx := r.Context()
		r.managed(ctx, false)
		for range 2 {
			r.OK(r.s.SetManaged(ctx), "set managed")
			r.managed(ctx, true)
		}
	}},
	{Name: "a keeper who is rolled back has taken nothing over", Run: func(r *rig) {
		r.Refused(r.Context(), func(ctx context.Context) {
			r.OK(r.s.SetManaged(ctx), "set managed")
			r.managed(ctx, true)
			r.managed(r.Context(), false)
		})
		r.managed(r.Context(), false)
	}},
}
