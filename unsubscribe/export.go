package unsubscribe

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Entries walks over what stands in a registry: a client's, or that of everything
// for troth.Platform. Rows are read page by page; the loop's body may write.
func (r *Registry) Entries(ctx context.Context, registry troth.Tenant) iter.Seq2[EntryRow, error] {
	const page = 500
	return func(yield func(EntryRow, error) bool) {
		if err := registry.Validate(); err != nil {
			yield(EntryRow{}, err)
			return
		}
		var after Cursor
		for {
			rows, err := r.store.EntriesOf(ctx, registry, after, page)
			if err != nil {
				yield(EntryRow{}, fmt.Errorf("unsubscribe: read entries: %w", err))
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < page {
				return
			}
			after = rows[page-1].Cursor()
		}
	}
}

// ExportSuppressed writes a suppression list for another tool as CSV: of the given
// addresses those that may not be written to for the campaign's class, on its
// channel, in any scope that concerns it, with the reason. The registry does not know
// addresses, so the host gives those that it has. What cannot be read as an address
// is on the list too, with that reason.
//
// A field that a spreadsheet would take for a formula has an apostrophe before it, which
// whoever reads the file by machine takes off again: one before an apostrophe, or before
// any of = + - @ and the tab. Telephone numbers, a plus sign and digits, have none.
//
// The file holds addresses in the clear: it belongs where the host keeps its
// contacts. suppressed is how many lines were written, without the header.
func (r *Registry) ExportSuppressed(ctx context.Context, w io.Writer, c Campaign, addresses iter.Seq2[string, error]) (suppressed int, err error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	x := &export{r: r, c: c, out: csv.NewWriter(w)}
	x.write("address", "channel", "scope", "list", "reason", "since")
	for address, err := range addresses {
		if err != nil {
			return x.lines, fmt.Errorf("unsubscribe: read addresses: %w", err)
		}
		if x.batch = append(x.batch, address); len(x.batch) == exportBatch {
			if err := x.flush(ctx); err != nil {
				return x.lines, err
			}
		}
	}
	if err := x.flush(ctx); err != nil {
		return x.lines, err
	}
	return x.lines, nil
}

// exportBatch is how many addresses are asked about at once.
const exportBatch = 500

// export is a suppression list in the making.
type export struct {
	r     *Registry
	c     Campaign
	out   *csv.Writer
	batch []string
	lines int
}

func (x *export) write(fields ...string) {
	for i, f := range fields {
		fields[i] = noFormula(f)
	}
	_ = x.out.Write(fields) // the writer keeps its error for Flush
}

// noFormula keeps a spreadsheet from running what somebody gave for an address.
func noFormula(s string) string {
	if s == "" || strings.IndexByte("=+-@\t\r'", s[0]) < 0 {
		return s
	}
	if s[0] == '+' && strings.Trim(s[1:], "0123456789") == "" {
		return s
	}
	return "'" + s
}

func (x *export) flush(ctx context.Context) error {
	decisions, err := x.r.decideAll(ctx, x.c, x.batch)
	if err != nil {
		return err
	}
	for i, d := range decisions {
		if d.Send {
			continue
		}
		since := ""
		if !d.At.IsZero() {
			since = d.At.Format(time.RFC3339)
		}
		x.write(x.batch[i], string(x.c.Channel), string(d.Place.Scope), d.Place.List, string(d.Reason), since)
		x.lines++
	}
	x.batch = x.batch[:0]
	x.out.Flush()
	if err := x.out.Error(); err != nil {
		return fmt.Errorf("unsubscribe: write export: %w", err)
	}
	return nil
}

// decideAll decides about many addresses with one look at each registry.
func (r *Registry) decideAll(ctx context.Context, c Campaign, addresses []string) ([]Decision, error) {
	for range 3 { // a change of keys meanwhile would hide rows
		h, err := r.Hasher(ctx, c.Tenant)
		if err != nil {
			return nil, err
		}
		keys := make([]Keys, len(addresses))
		wanted := map[troth.Tenant][]Key{}
		for i, address := range addresses {
			if keys[i], err = h.Keys(c.Channel, address); err != nil {
				keys[i] = Keys{}
				continue
			}
			for registry, pair := range map[troth.Tenant]Pair{c.Tenant: keys[i].Client, troth.Platform: keys[i].Everything} {
				wanted[registry] = append(wanted[registry], pair.Exact, pair.Mailbox)
			}
		}
		rows := map[Key][]EntryRow{}
		for registry, all := range wanted {
			found, err := r.store.Entries(ctx, registry, all)
			if err != nil {
				return nil, fmt.Errorf("unsubscribe: read entries: %w", err)
			}
			for _, row := range found {
				rows[row.Key] = append(rows[row.Key], row)
				if row.Mailbox != row.Key {
					rows[row.Mailbox] = append(rows[row.Mailbox], row)
				}
			}
		}
		client, everything := h.Epochs()
		same, err := r.inForce(ctx, c.Tenant, Keys{Client: Pair{Epoch: client}, Everything: Pair{Epoch: everything}})
		if err != nil {
			return nil, err
		}
		if same {
			return decideEach(c, keys, rows), nil
		}
	}
	return nil, ErrEpoch
}

func decideEach(c Campaign, keys []Keys, rows map[Key][]EntryRow) []Decision {
	decisions := make([]Decision, len(keys))
	for i, k := range keys {
		if k.Client.Epoch == 0 {
			decisions[i] = Decision{Reason: ReasonAddress}
			continue
		}
		var of []EntryRow
		for _, pair := range []Pair{k.Client, k.Everything} {
			of = append(of, rows[pair.Exact]...)
			if pair.Mailbox != pair.Exact {
				of = append(of, rows[pair.Mailbox]...)
			}
		}
		decisions[i] = Decide(c, of)
	}
	return decisions
}
