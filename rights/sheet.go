package rights

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemSources: some of the sources that were registered when the request was accepted, and
// how far each is. A request has one such item for every [perSheet] of them, by name.
const ItemSources ItemKind = "sources"

const sheetDomain = "troth.rights.sources/1"

const (
	// perSheet is how many sources have an item together: as many as usually fit into a
	// quarter of a page of SQLite's, beyond which it keeps a row in pieces.
	perSheet = 6
	// workFields is how many fields a source has in its sheet.
	workFields = 20
)

// sheets are how far a request is at all of its sources.
type sheets struct {
	// all are in the order of their names, which does not change: who is to be asked is
	// settled when the work begins.
	all []SourceWork
	// written says by sheet that it differs from what is stored.
	written []bool
}

// newSheets are the sheets of work, of which nothing differs yet.
func newSheets(work []SourceWork) *sheets {
	all := slices.Clone(work)
	slices.SortFunc(all, func(a, b SourceWork) int { return cmp.Compare(a.Source, b.Source) })
	return &sheets{all: all, written: make([]bool, (len(all)+perSheet-1)/perSheet)}
}

// of finds a source; nil if the request has none of that name.
func (s *sheets) of(name string) *SourceWork {
	i, found := s.find(name)
	if !found {
		return nil
	}
	return &s.all[i]
}

func (s *sheets) find(name string) (at int, found bool) {
	return slices.BinarySearchFunc(s.all, name, func(w SourceWork, name string) int { return cmp.Compare(w.Source, name) })
}

// put notes how far a source is; false if the request has none of that name.
func (s *sheets) put(w *SourceWork) bool {
	i, found := s.find(w.Source)
	if found {
		s.all[i], s.written[i/perSheet] = *w, true
	}
	return found
}

// sheet are the sources of one sheet.
func (s *sheets) sheet(n int) []SourceWork {
	return s.all[n*perSheet : min((n+1)*perSheet, len(s.all))]
}

func sheetKey(tenant troth.Tenant, request string, n int) ItemKey {
	id := "0000"
	if n > 0 {
		id = fmt.Sprintf("%04d", n)
	}
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemSources, ID: id}
}

// encodeSheet is the message of a sheet, of a request with so many sources.
func encodeSheet(work []SourceWork, of int) []byte {
	dst := canon.AppendDomain(make([]byte, 0, 2*usual), sheetDomain)
	dst = canon.AppendUint(dst, uint64(of))
	dst = canon.AppendList(dst, workFields*len(work))
	for i := range work {
		dst = work[i].append(dst)
	}
	return dst
}

// parseSheet reads a sheet, and of how many sources it is one.
func parseSheet(b []byte) (work []SourceWork, of int, err error) {
	r := &reader{Walker: canon.Walk(b, sheetDomain)}
	of = int(r.small())
	n := r.List()
	if n%workFields != 0 || n == 0 || n > workFields*perSheet {
		return nil, 0, ErrRecord
	}
	work = make([]SourceWork, n/workFields)
	for i := range work {
		work[i] = r.work()
	}
	if !r.done() {
		return nil, 0, ErrRecord
	}
	return work, of, nil
}

func (w *SourceWork) append(dst []byte) []byte {
	for _, t := range []string{w.Source, string(w.Order), w.Policy, w.Title} {
		dst = canon.AppendText(dst, t)
	}
	dst = appendFlag(dst, w.Able)
	dst = appendCount(dst, w.Found)
	dst = appendFlag(dst, w.Located)
	dst = appendCount(dst, uint64(w.Tries))
	dst = canon.AppendText(dst, w.Outcome)
	dst = canon.AppendText(dst, w.Method)
	dst = appendCount(dst, w.Records)
	dst = appendTexts(dst, w.Asked)
	dst = canon.AppendList(dst, 5*len(w.Kept))
	for i := range w.Kept {
		dst = w.Kept[i].append(dst)
	}
	dst = appendCount(dst, w.Keyed)
	dst = appendWhen(dst, micros(w.Until))
	dst = appendWhen(dst, micros(w.CopiesUntil))
	dst = canon.AppendText(dst, w.Ref)
	dst = appendWhen(dst, micros(w.At))
	if w.Evidence.IsZero() {
		dst = canon.AppendNone(dst)
	} else {
		dst = canon.AppendBytes(dst, w.Evidence[:])
	}
	return appendCount(dst, uint64(w.asked))
}

func (r *reader) work() (w SourceWork) {
	w = SourceWork{
		Source: r.text(), Order: Order(r.text()), Policy: r.text(), Title: r.text(), Able: r.flag(), Found: r.count(),
		Located: r.flag(), Tries: int(r.smallCount()), Outcome: Outcome(r.text()), Method: ActionMethod(r.text()),
		Records: r.count(), Asked: r.texts(),
	}
	n := r.List()
	r.bad = r.bad || n%5 != 0 || n > 5*maxKept
	for range min(n/5, maxKept) {
		w.Kept = append(w.Kept, r.kept())
	}
	w.Keyed, w.Until, w.CopiesUntil, w.Ref, w.At = r.count(), instant(r.when()), instant(r.when()), r.text(), instant(r.when())
	if !r.None() {
		r.fixed(w.Evidence[:])
		r.bad = r.bad || w.Evidence.IsZero()
	}
	w.asked = r.smallCount()
	return w
}

// appendCount appends a number that is mostly zero, which takes a byte then.
func appendCount(dst []byte, n uint64) []byte {
	if n == 0 {
		return canon.AppendNone(dst)
	}
	return canon.AppendUint(dst, n)
}

// appendWhen appends an instant that there mostly is not.
func appendWhen(dst []byte, at int64) []byte {
	if at == 0 {
		return canon.AppendNone(dst)
	}
	return canon.AppendInt(dst, at)
}

func (r *reader) count() uint64 {
	if r.None() {
		return 0
	}
	n := r.Uint()
	r.bad = r.bad || n == 0
	return n
}

func (r *reader) smallCount() uint32 {
	n := r.count()
	r.bad = r.bad || n > 1<<32-1
	return uint32(n)
}

func (r *reader) when() int64 {
	if r.None() {
		return 0
	}
	at := r.Int()
	r.bad = r.bad || at == 0
	return at
}

// sources are how far the request is at its sources, as the change leaves them.
func (c *change) sources(ctx context.Context) (*sheets, error) {
	if c.sheets == nil {
		s, err := c.d.readSheets(ctx, c.tenant, c.id)
		if err != nil {
			return nil, err
		}
		c.sheets = s
	}
	return c.sheets, nil
}

// work is how far a source is; [ErrNotFound] if the request has none of that name.
func (c *change) work(ctx context.Context, name string) (SourceWork, error) {
	s, err := c.sources(ctx)
	if err != nil {
		return SourceWork{}, err
	}
	w := s.of(name)
	if w == nil {
		return SourceWork{}, ErrNotFound
	}
	return *w, nil
}

// putWork has it written how far a source is, at the end of the change, and with it the
// request, even if nothing else happened to it: who knows its record knows how far its
// sources are.
func (c *change) putWork(ctx context.Context, w *SourceWork) error {
	s, err := c.sources(ctx)
	if err != nil {
		return err
	}
	if !s.put(w) {
		return ErrRecord // who is to be asked was settled when the work began
	}
	c.worked = true
	return nil
}

// beginWith has it written who is to be asked.
func (c *change) beginWith(work []SourceWork) {
	c.sheets = newSheets(work)
	for i := range c.sheets.written {
		c.sheets.written[i], c.worked = true, true
	}
}

// putSheets writes what differs, with the other items.
func (c *change) putSheets(ctx context.Context) error {
	if c.sheets == nil {
		return nil
	}
	for n, written := range c.sheets.written {
		if !written {
			continue
		}
		row := ItemRow{ItemKey: sheetKey(c.tenant, c.id, n)}
		if err := c.putLater(ctx, row, encodeSheet(c.sheets.sheet(n), len(c.sheets.all))); err != nil {
			return err
		}
	}
	return nil
}
