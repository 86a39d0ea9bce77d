package retentiontest

import "github.com/trothdev/troth/internal/suite"

// rows are the store with all that it keeps.
func (r *rig) rows() suite.RowsRig {
	return suite.RowsRig{Rig: &r.Rig, Fill: r.fill, Dump: r.dump, Writes: r.writes}
}

var endingChecks = []check{
	{Name: "no read sees another tenant's rows", Run: func(r *rig) { r.rows().ReadWall() }},
	{Name: "no write touches another tenant's rows", Run: func(r *rig) { r.rows().WriteWall() }},
	{Name: "a rollback leaves nothing behind", Run: func(r *rig) { r.rows().Rollback() }},
	{Name: "reads outside see committed rows only", Run: func(r *rig) { r.rows().Outside() }},
	{Name: "rows are there when the store is opened again", Needs: suite.Reopen, Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		before := r.dump(ctx, r.A)
		r.s = r.Reopen()
		r.Same(r.dump(ctx, r.A), before, "opened again")
	}},
	{Name: "what is written in the host's transaction shares its fate", Needs: suite.Host, Run: func(r *rig) {
		r.rows().HostUndoes()
		r.rows().HostCommits()
	}},
	{Name: "a cancelled context does nothing", Run: func(r *rig) { r.rows().Cancelled(nil) }},
}
