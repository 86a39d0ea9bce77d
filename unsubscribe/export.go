package unsubscribe

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
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
// The file holds addresses in the clear: it belongs where the host keeps its
// contacts. suppressed is how many lines were written, without the header.
func (r *Registry) ExportSuppressed(ctx context.Context, w io.Writer, c Campaign, addresses iter.Seq2[string, error]) (suppressed int, err error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"address", "channel", "scope", "list", "reason", "since"}); err != nil {
		return 0, fmt.Errorf("unsubscribe: write export: %w", err)
	}
	for address, err := range addresses {
		if err != nil {
			return suppressed, fmt.Errorf("unsubscribe: read addresses: %w", err)
		}
		d := Decision{Reason: ReasonAddress}
		if _, unreadable := Normalise(c.Channel, address); unreadable == nil {
			if d, err = r.Check(ctx, c, troth.Protect(address)); err != nil {
				return suppressed, err
			}
		}
		if d.Send {
			continue
		}
		since := ""
		if !d.At.IsZero() {
			since = d.At.Format(time.RFC3339)
		}
		line := []string{address, string(c.Channel), string(d.Place.Scope), d.Place.List, string(d.Reason), since}
		if err := out.Write(line); err != nil {
			return suppressed, fmt.Errorf("unsubscribe: write export: %w", err)
		}
		suppressed++
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return suppressed, fmt.Errorf("unsubscribe: write export: %w", err)
	}
	return suppressed, nil
}
