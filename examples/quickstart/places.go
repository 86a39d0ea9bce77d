package main

import (
	"context"
	"iter"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/storage/sqlstore"
)

// answering is why the shop opens what it holds of somebody who asks.
const answering troth.Purpose = "rights-request"

// rights tells the desk of the shop's own tables. What troth itself holds, and what is
// under the retention policy, it knows already.
func (s *shop) rights(k *kit.Kit) []rights.Option {
	people := customers{s, k}
	return []rights.Option{
		rights.WithController(controller.Name), rights.WithRegimes("gdpr"), rights.WithCoolingOff(0),
		rights.WithClock(func() time.Time { return time.Now().AddDate(0, 0, s.ahead) }),
		rights.WithSource(rights.Source{
			Name: "customers", Title: "Your account", Order: rights.Primary, Records: []string{"customer"},
			For:     []rights.Right{rights.Access, rights.Erase},
			Locator: people, Exporter: people, Eraser: people,
		}),
	}
}

// customers is the table of customers as a source.
type customers struct {
	s *shop
	k *kit.Kit
}

// count says whether there is a customer, in the transaction of ctx.
func (c customers) count(ctx context.Context, q rights.Inquiry) (n uint64, err error) {
	_, err = sqlstore.QueryRow(ctx, c.k.Handle.Querier(ctx),
		"SELECT count(*) FROM customer WHERE shop = $1 AND id = $2", []any{string(q.Tenant), q.SubjectID}, &n)
	return n, err
}

func (c customers) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	n, err := c.count(ctx, q)
	return rights.Located{Records: n}, err
}

func (customers) Types() []export.Type {
	return []export.Type{{Name: "customer", Title: "Your profile", About: export.Person}}
}

func (c customers) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		sealed, err := c.s.row(ctx, q.SubjectID)
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		plain, err := c.s.open(ctx, sealed, answering)
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		r := export.Record{Type: "customer", ID: q.SubjectID}
		for i, column := range columns {
			r.Fields = append(r.Fields, export.Text(column, string(plain.fields[i])))
		}
		yield(r, nil)
	}
}

// Erase deletes the row with the keeper's leave, in the desk's transaction.
func (c customers) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	n, err := c.count(ctx, q)
	if err != nil || n == 0 {
		return rights.Report{Outcome: rights.NothingFound, Asked: []string{"subject"}}, err
	}
	leave := retention.Leave{
		Ref:       troth.PermitRef{Tenant: string(q.Tenant), Record: "customer/" + q.SubjectID},
		SubjectID: q.SubjectID, Class: "profile", Ground: "erasure-request",
	}
	err = c.k.Keeper.Permit(ctx, leave, func(ctx context.Context, _ troth.Permit) error {
		_, err := c.k.Handle.Querier(ctx).Exec(ctx, "DELETE FROM customer WHERE shop = $1 AND id = $2", string(q.Tenant), q.SubjectID)
		return err
	})
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: n, Asked: []string{"subject"}}, err
}
