package vaulttest

import "context"

func (r *rig) managed(ctx context.Context, want bool) {
	r.Helper()
	got, err := r.s.Managed(ctx)
	r.wants(want, got, err, "managed")
}

var settingChecks = []check{
	{name: "a store is managed once a keeper has taken it over, for ever", run: func(r *rig) {
		ctx := r.Context()
		r.managed(ctx, false)
		for range 2 {
			r.ok(r.s.SetManaged(ctx), "set managed")
			r.managed(ctx, true)
		}
	}},
	{name: "a keeper who is rolled back has taken nothing over", run: func(r *rig) {
		r.refused(r.Context(), func(ctx context.Context) {
			r.ok(r.s.SetManaged(ctx), "set managed")
			r.managed(ctx, true)
			r.managed(r.Context(), false)
		})
		r.managed(r.Context(), false)
	}},
}
