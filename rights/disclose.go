package rights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/export"
)

// Exports is what the desk needs to write archives.
type Exports struct {
	// Signer signs the list of what is in an archive, see [export.NewSigner].
	Signer note.Signer
	// Sheet gives the information of Article 15(1) for a person; nil gives none, and the
	// archive says so.
	Sheet func(ctx context.Context, q Inquiry) (*export.Sheet, error)
	// Redactor decides about fields that are not about the person alone; see there what
	// holds without one.
	Redactor export.Redactor
	// TempDir is as in [export.Config].
	TempDir string
}

// WithExports has the desk write archives. Without it [Desk.Export] and [Desk.Offer] return
// [ErrNeeds].
func WithExports(e Exports) Option {
	return func(o *options) error { o.exports = &e; return present("signer of exports", e.Signer != nil) }
}

// Export writes what the sources hold of a person to w, as an archive that only lock
// opens, see package export. The request must have been approved, and be one that
// discloses: [ErrRight] otherwise. Sources are asked
// now: nothing of it lies anywhere before or after. What a source cannot give, or failed
// to give, the archive says and so does [Desk.Work]; the rest is there.
//
// After an error what was written is no archive. It may be called again, until the answer
// has been delivered.
func (d *Desk) Export(ctx context.Context, tenant troth.Tenant, id string, w io.Writer, lock export.Lock) (export.Receipt, error) {
	var none export.Receipt
	if d.opt.exports == nil {
		return none, needs("WithExports, for exports")
	}
	if d.opt.controller == "" {
		return none, needs("WithController, for exports")
	}
	if err := within(ctx, tenant); err != nil {
		return none, err
	}
	q, err := d.read(ctx, tenant, id)
	if err != nil {
		return none, err
	}
	if q.right.Effect() != Discloses {
		return none, ErrRight
	}
	if q.state != StateDelivering {
		return none, &StateError{State: q.state, Event: Delivered}
	}
	by, err := d.found(ctx, tenant, id)
	if err != nil {
		return none, err
	}
	at := &change{d: d, tenant: tenant, id: id, q: q, now: d.micros()}
	work, err := at.allWork(ctx)
	if err != nil {
		return none, err
	}
	x, err := d.archive(ctx, at, w, lock, by)
	if err != nil {
		return none, err
	}
	defer x.Abort()
	reports := make([]Report, len(work))
	for i := range work {
		if reports[i], err = d.exportOne(ctx, x, at, &work[i], by); err != nil {
			return none, err
		}
	}
	receipt, err := x.Close()
	if err != nil {
		return none, err
	}
	if err := d.exported(ctx, tenant, id, &receipt, work, reports); err != nil {
		return none, err
	}
	return receipt, nil
}

// archive begins the archive.
func (d *Desk) archive(ctx context.Context, at *change, w io.Writer, lock export.Lock, by []plainIdentifier) (*export.Writer, error) {
	e := d.opt.exports
	c := export.Config{
		Subject: troth.Subject{Tenant: at.tenant, ID: at.q.subject}, Request: at.id, Controller: d.opt.controller,
		Created: d.now(), Signer: e.Signer, Lock: lock, Language: at.q.language, Redactor: e.Redactor, TempDir: e.TempDir,
	}
	if e.Sheet != nil {
		var err error
		if c.Sheet, err = e.Sheet(ctx, at.inquiry("sheet", by)); err != nil {
			return nil, fmt.Errorf("rights: export: %w", &sheetError{err})
		}
	}
	return export.NewWriter(w, c)
}

// sheetError is a failure of the host's: what it says may name people.
type sheetError struct{ err error }

func (*sheetError) Error() string { return "the host gave no information sheet" }

func (e *sheetError) Unwrap() error { return e.err }

// exportOne copies what one source holds. A source that fails is reported, and ends
// nothing.
func (d *Desk) exportOne(ctx context.Context, x *export.Writer, at *change, w *SourceWork, by []plainIdentifier) (Report, error) {
	s := d.source(w.Source)
	from := export.Source{Name: w.Source, Title: w.Title}
	switch {
	case s == nil:
		return Report{Outcome: Failed}, x.Missing(from, export.Failed)
	case s.Exporter == nil:
		return Report{Outcome: Unsupported}, x.Missing(from, export.Unsupported)
	}
	from.Types = s.Exporter.Types()
	q := at.inquiry(w.Source, by)
	var count uint64
	err := x.Copy(ctx, from, counted(guardedRecords(s.Exporter.Export(ctx, q)), &count))
	if failed, ok := errors.AsType[*export.SourceError](err); ok {
		d.failed(ctx, stepKey(at.tenant, at.id), w.Source, "export", failed.Err)
		return Report{Outcome: Failed}, nil
	}
	if err != nil {
		return Report{}, err
	}
	if count == 0 {
		return Report{Outcome: NothingFound, Asked: q.kinds()}, nil
	}
	return Report{Outcome: Done, Method: Disclosed, Records: count}, nil
}

// kinds are the kinds of what a person is found by.
func (q Inquiry) kinds() []string {
	kinds := []string{subjectKind}
	for _, id := range q.Identifiers {
		if len(kinds) < maxList && kinds[len(kinds)-1] != id.Kind {
			kinds = append(kinds, id.Kind)
		}
	}
	return kinds
}

func counted(all iter.Seq2[export.Record, error], n *uint64) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		for r, err := range all {
			if err == nil {
				*n++
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// guardedRecords makes a panic of a source its error.
func guardedRecords(all iter.Seq2[export.Record, error]) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		ours := false // what panics in the loop's body is none of the source's
		_, err := guarded(func() (struct{}, error) {
			for r, err := range all {
				ours = true
				more := yield(r, err)
				ours = false
				if !more {
					return struct{}{}, nil
				}
			}
			return struct{}{}, nil
		})
		switch {
		case ours:
			panic(err)
		case err != nil:
			yield(export.Record{}, err)
		}
	}
}

// exported notes what was handed out.
func (d *Desk) exported(ctx context.Context, tenant troth.Tenant, id string, r *export.Receipt, work []SourceWork, reports []Report) error {
	_, err := d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if c.q.state != StateDelivering {
			return &StateError{State: c.q.state, Event: Delivered}
		}
		if _, err := d.record(ctx, troth.Entry{
			Act: actExport, Tenant: tenant, SubjectID: c.q.subject, Facts: troth.Facts{
				"request": troth.ID(id), "archive": troth.Digest(r.SHA256), "manifest": troth.Digest(r.Manifest),
				"records": troth.Count(r.Records), "redactions": troth.Count(r.Redactions), "missing": troth.Count(len(r.Missing)),
			},
		}); err != nil {
			return err
		}
		c.q.done, c.q.left = 0, 0
		for i := range work {
			w, err := c.work(ctx, work[i].Source)
			if err != nil {
				return err
			}
			w.Records, w.Outcome = 0, "" // what an earlier archive had does not add up
			if err := c.settle(ctx, &w, &reports[i]); err != nil {
				return err
			}
			if w.Outcome.Complete() {
				c.q.done++
			} else {
				c.q.left++
			}
		}
		return c.fire(ctx, Disclosing, happening{ref: r.ID})
	})
	return err
}
