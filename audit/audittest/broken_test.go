package audittest_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// brokenStore is a store with one fault, and a check that must notice it.
type brokenStore struct {
	wrap  func(s *auditmem.Store) audit.Backend
	check string
}

// broken are stores with one fault each in what concerns the inbox.
var broken = map[string]brokenStore{
	"cuts times to milliseconds":      {func(s *auditmem.Store) audit.Backend { return milliseconds{s} }, "times_keep_their_microseconds"},
	"says appended of what was there": {func(s *auditmem.Store) audit.Backend { return sureOfEntry{s} }, "an_id_that_the_tenant_has"},
	"decodes envelopes as text":       {func(s *auditmem.Store) audit.Backend { return text{s} }, "an_entry_comes_back_as_it_went_in"},
	"lists newest first":              {func(s *auditmem.Store) audit.Backend { return reversed{s} }, "byte_order_of_their_ids"},
	"begins pages at After":           {func(s *auditmem.Store) audit.Backend { return inclusive{s} }, "a_page_begins_behind_After"},
	"ignores Limit":                   {func(s *auditmem.Store) audit.Backend { return limitless{s} }, "a_page_begins_behind_After"},
	"folds the case of tenants":       {func(s *auditmem.Store) audit.Backend { return folding{s} }, "another_tenant's_entries"},
	"shares pseudonyms among tenants": {func(s *auditmem.Store) audit.Backend { return shared{s} }, "another_tenant's_pseudonyms"},
	"writes outside the transaction":  {func(s *auditmem.Store) audit.Backend { return outside{s, auditmem.New(memory.Open())} }, "a_rollback_takes_back"},
	"says inserted of what was there": {func(s *auditmem.Store) audit.Backend { return sure{s} }, "a_name_that_is_taken"},
	"never deletes":                   {func(s *auditmem.Store) audit.Backend { return keeps{s} }, "a_deleted_pseudonym_is_gone"},
	"works on after cancellation":     {func(s *auditmem.Store) audit.Backend { return deaf{s} }, "a_cancelled_context"},
	"counts one tenant":               {func(s *auditmem.Store) audit.Backend { return partial{s} }, "the_backlog_is_that_of_all_tenants"},
	"takes the first for the oldest":  {func(s *auditmem.Store) audit.Backend { return firstIsOldest{s} }, "the_backlog_is_that_of_all_tenants"},
	"forgets that it is managed":      {func(s *auditmem.Store) audit.Backend { return unmanaged{s} }, "a_store_is_not_managed"},
	"takes any envelope":              {func(s *auditmem.Store) audit.Backend { return greedy{s} }, "the_longest_envelope_is_appended"},
	"believes in nobody":              {func(s *auditmem.Store) audit.Backend { return gullible{s} }, "a_pseudonym_of_zeros"},
	"keeps the caller's slice":        {func(s *auditmem.Store) audit.Backend { return aliased{s, map[troth.EntryID][]byte{}} }, "slices_given_stay"},
}

type (
	milliseconds struct{ *auditmem.Store }
	sureOfEntry  struct{ *auditmem.Store }
	text         struct{ *auditmem.Store }
	reversed     struct{ *auditmem.Store }
	inclusive    struct{ *auditmem.Store }
	limitless    struct{ *auditmem.Store }
	folding      struct{ *auditmem.Store }
	shared       struct{ *auditmem.Store }
	outside      struct {
		*auditmem.Store
		other *auditmem.Store
	}
	sure          struct{ *auditmem.Store }
	keeps         struct{ *auditmem.Store }
	deaf          struct{ *auditmem.Store }
	partial       struct{ *auditmem.Store }
	firstIsOldest struct{ *auditmem.Store }
	unmanaged     struct{ *auditmem.Store }
	greedy        struct{ *auditmem.Store }
	gullible      struct{ *auditmem.Store }
	aliased       struct {
		*auditmem.Store
		given map[troth.EntryID][]byte
	}
)

func (s milliseconds) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	row.RecordedAt -= row.RecordedAt % 1000
	return s.Store.Append(ctx, row)
}

func (s sureOfEntry) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	_, err := s.Store.Append(ctx, row)
	return true, err
}

func (s text) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	row.Envelope = bytes.ToValidUTF8(row.Envelope, []byte("?"))
	return s.Store.Append(ctx, row)
}

func (s reversed) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	rows, err := s.Store.Entries(ctx, p)
	slices.Reverse(rows)
	return rows, err
}

func (s inclusive) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	if p.After != (troth.EntryID{}) {
		p.After[15]--
	}
	return s.Store.Entries(ctx, p)
}

func (s limitless) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	p.Limit = 0
	return s.Store.Entries(ctx, p)
}

func (s folding) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	row.Tenant = troth.Tenant(strings.ToLower(string(row.Tenant)))
	return s.Store.Append(ctx, row)
}

func (s shared) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	row.Tenant = "all"
	return s.Store.InsertPseudonym(ctx, row)
}

func (s shared) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	name.Tenant = "all"
	return s.Store.Pseudonym(ctx, name)
}

func (s outside) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	return s.other.Append(ctx, row)
}

func (s outside) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	return s.other.Entries(ctx, p)
}

func (s sure) InsertPseudonym(ctx context.Context, row audit.PseudonymRow) (bool, error) {
	_, err := s.Store.InsertPseudonym(ctx, row)
	return true, err
}

func (s keeps) DeletePseudonym(ctx context.Context, name audit.PseudonymName) (bool, error) {
	_, found, err := s.Pseudonym(ctx, name)
	return found, err
}

func (s deaf) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	return s.Store.Append(context.WithoutCancel(ctx), row)
}

func (s partial) Backlog(ctx context.Context) (audit.Backlog, error) {
	rows, err := s.Entries(ctx, audit.EntriesPage{Tenant: "acme", Limit: 1 << 20})
	return audit.Backlog{Count: len(rows)}, err
}

func (s firstIsOldest) Backlog(ctx context.Context) (audit.Backlog, error) {
	b, err := s.Store.Backlog(ctx)
	if err != nil {
		return b, err
	}
	rows, err := s.Entries(ctx, audit.EntriesPage{Tenant: "acme", Limit: 1})
	if len(rows) > 0 {
		b.Oldest = time.UnixMicro(rows[0].RecordedAt).UTC()
	}
	return b, err
}

func (s unmanaged) Managed(context.Context) (bool, error) { return false, nil }

func (s greedy) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	row.Envelope = row.Envelope[:min(len(row.Envelope), audit.MaxEnvelope)]
	return s.Store.Append(ctx, row)
}

func (s gullible) Pseudonym(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool, error) {
	row, found, err := s.Store.Pseudonym(ctx, name)
	if errors.Is(err, audit.ErrPseudonym) {
		return row, true, nil
	}
	return row, found, err
}

func (s aliased) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	s.given[row.ID] = row.Envelope
	return s.Store.Append(ctx, row)
}

func (s aliased) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	rows, err := s.Store.Entries(ctx, p)
	for i := range rows {
		rows[i].Envelope = s.given[rows[i].ID]
	}
	return rows, err
}

// allBroken are those of the inbox and those of the log.
func allBroken() map[string]brokenStore {
	all := maps.Clone(broken)
	maps.Copy(all, brokenLog)
	return all
}

// brokenEnv names the store that a process started by TestRun_NoticesBroken
// shall run the suite on.
const brokenEnv = "TROTH_AUDITTEST_BROKEN"

func TestBrokenStore(t *testing.T) {
	name := os.Getenv(brokenEnv)
	if name == "" {
		return // this is the other process's test
	}
	audittest.Run(t, func(*testing.T) audit.Backend {
		return allBroken()[name].wrap(auditmem.New(memory.Open()))
	})
}

func TestRun_NoticesBrokenStores(t *testing.T) {
	for name, b := range allBroken() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenStore$/"+b.check, "-test.v")
			cmd.Env = append(os.Environ(), brokenEnv+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passed:\n%s", out)
			require.Contains(t, string(out), "--- FAIL: TestBrokenStore/", "%s", out)
			require.Contains(t, string(out), b.check)
			require.NotContains(t, string(out), "panic:", "%s", out)
		})
	}
}
