package audittest_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// brokenLog are stores with one fault each in what concerns the log.
var brokenLog = map[string]brokenStore{
	"looks for no strays":                         {func(s *auditmem.Store) audit.Backend { return blind{s} }, "an_entry_of_no_log"},
	"thinks that an index is wrong":               {func(s *auditmem.Store) audit.Backend { return distrustful{s} }, "indexes_fit_the_rows"},
	"takes the last log for a stray":              {func(s *auditmem.Store) audit.Backend { return suspicious{s} }, "nothing_is_astray"},
	"elects nobody":                               {func(s *auditmem.Store) audit.Backend { return unelected{s} }, "a_transaction_is_elected"},
	"leaves logs open":                            {func(s *auditmem.Store) audit.Backend { return staysOpen{s} }, "heads_come_back_as_they_went_in"},
	"creates logs behind a gap":                   {func(s *auditmem.Store) audit.Backend { return gaps{s} }, "a_log_whose_number_is_taken"},
	"moves heads from anywhere":                   {func(s *auditmem.Store) audit.Backend { return forks{s} }, "a_head_moves_from_exactly"},
	"looks not who signs a log":                   {func(s *auditmem.Store) audit.Backend { return anySigner{s} }, "a_head_moves_from_exactly"},
	"looks at the size of a head only":            {func(s *auditmem.Store) audit.Backend { return sizesOnly{s} }, "a_head_moves_from_exactly"},
	"says moved always":                           {func(s *auditmem.Store) audit.Backend { return sureOfMove{s} }, "of_moves_of_one_head"},
	"takes in order of tenant and id":             {func(s *auditmem.Store) audit.Backend { return byID{s} }, "what_is_taken_from_the_inbox"},
	"takes and keeps":                             {func(s *auditmem.Store) audit.Backend { return takesNothing{s} }, "what_was_taken_makes_room"},
	"loses the tag":                               {func(s *auditmem.Store) audit.Backend { return untagged{s} }, "what_is_taken_from_the_inbox"},
	"takes for good":                              {func(s *auditmem.Store) audit.Backend { return &takesForGood{Store: s} }, "what_was_taken_in_a_transaction_that_is_undone"},
	"throws quarantine away":                      {func(s *auditmem.Store) audit.Backend { return forgetful{s} }, "rows_in_quarantine_are_not"},
	"counts quarantine with the rest":             {func(s *auditmem.Store) audit.Backend { return counts{s} }, "rows_in_quarantine_are_not"},
	"says moved of what is not there":             {func(s *auditmem.Store) audit.Backend { return sureOfOutcasts{s} }, "rows_in_quarantine_are_not"},
	"has one place in quarantine for an id":       {func(s *auditmem.Store) audit.Backend { return narrow{s} }, "an_id_that_is_in_quarantine"},
	"stores leaves as text":                       {func(s *auditmem.Store) audit.Backend { return leafText{s} }, "entries_of_a_log_come_back"},
	"cuts long leaves off":                        {func(s *auditmem.Store) audit.Backend { return cutsLeaves{s} }, "a_leaf_that_is_too_long"},
	"gives one buffer for all leaves":             {func(s *auditmem.Store) audit.Backend { return oneBuffer{s} }, "slices_of_leaves"},
	"overlooks duplicates":                        {func(s *auditmem.Store) audit.Backend { return lenient{s} }, "an_entry_that_is_there_already"},
	"keeps a part of the batch":                   {func(s *auditmem.Store) audit.Backend { return piecemeal{s} }, "an_entry_that_is_there_already"},
	"begins a range behind from":                  {func(s *auditmem.Store) audit.Backend { return late{s} }, "a_range_begins_at_from"},
	"ends a range at a gap":                       {func(s *auditmem.Store) audit.Backend { return gapless{s} }, "a_range_passes_over_a_gap"},
	"fills gaps with zeros":                       {func(s *auditmem.Store) audit.Backend { return filling{s} }, "hashes_of_leaves_come_in_order"},
	"knows the ids of other tenants":              {func(s *auditmem.Store) audit.Backend { return knowing{s} }, "known_are_the_ids"},
	"pages by number alone":                       {func(s *auditmem.Store) audit.Backend { return byNumber{s} }, "a_tenant's_entries_come_in_order"},
	"ignores subjects":                            {func(s *auditmem.Store) audit.Backend { return indifferent{s} }, "entries_are_chosen_by"},
	"ends at the bound of time":                   {func(s *auditmem.Store) audit.Backend { return inclusiveTo{s} }, "entries_are_chosen_by"},
	"filters behind the limit":                    {func(s *auditmem.Store) audit.Backend { return filtersLate{s} }, "entries_are_chosen_by"},
	"finds what waits in the inbox":               {func(s *auditmem.Store) audit.Backend { return tooEarly{s} }, "an_entry_is_found_by_its_id"},
	"redacts entries of others":                   {func(s *auditmem.Store) audit.Backend { return &oneForAll{s, map[troth.EntryID]troth.Tenant{}} }, "no_call_sees_or_changes_another_tenant's_part"},
	"shows the parts of others":                   {func(s *auditmem.Store) audit.Backend { return openParts{s} }, "no_call_sees_or_changes_another_tenant's_part"},
	"says redacted always":                        {func(s *auditmem.Store) audit.Backend { return sureOfRedaction{s} }, "a_redacted_entry_keeps"},
	"keeps the act of what it redacts":            {func(s *auditmem.Store) audit.Backend { return talkative{s} }, "a_redacted_entry_keeps"},
	"reverses parts":                              {func(s *auditmem.Store) audit.Backend { return backwards{s} }, "parts_come_back"},
	"takes any part":                              {func(s *auditmem.Store) audit.Backend { return generous{s} }, "a_part_that_is_taken"},
	"counts what was dropped before":              {func(s *auditmem.Store) audit.Backend { return recounts{s} }, "dropped_parts_lose"},
	"drops all that is old at once":               {func(s *auditmem.Store) audit.Backend { return unlimited{s} }, "parts_are_dropped_by_age"},
	"drops what is not old enough":                {func(s *auditmem.Store) audit.Backend { return hasty{s} }, "parts_are_dropped_by_age"},
	"keeps the first tile":                        {func(s *auditmem.Store) audit.Backend { return stubborn{s} }, "a_tile_is_written_over"},
	"gives the next tile for one that is missing": {func(s *auditmem.Store) audit.Backend { return nextTile{s} }, "tiles_come_back"},
	"has one head for all logs":                   {func(s *auditmem.Store) audit.Backend { return single{s} }, "heads_of_tenants"},
	"loses a tenant in each page":                 {func(s *auditmem.Store) audit.Backend { return lossy{s} }, "heads_of_tenants"},
	"gives the newest checkpoint of all":          {func(s *auditmem.Store) audit.Backend { return newest{s} }, "checkpoints_come_back"},
	"puts old checkpoints over new ones":          {func(s *auditmem.Store) audit.Backend { return careless{s} }, "a_checkpoint_is_kept_over"},
	"never replaces a checkpoint":                 {func(s *auditmem.Store) audit.Backend { return firstOnly{s} }, "a_checkpoint_is_kept_over"},
	"cuts long notes off":                         {func(s *auditmem.Store) audit.Backend { return cutsNotes{s} }, "a_note_that_is_too_long"},
	"drops checkpoints of all logs":               {func(s *auditmem.Store) audit.Backend { return sweeping{s} }, "checkpoints_that_are_dropped"},
	"prunes one entry too many":                   {func(s *auditmem.Store) audit.Backend { return overshoots{s} }, "a_pruned_prefix_is_gone"},
	"prunes without a limit":                      {func(s *auditmem.Store) audit.Backend { return atOnce{s} }, "pruning_goes_on"},
	"works on the log after cancellation":         {func(s *auditmem.Store) audit.Backend { return deafLog{s} }, "a_cancelled_context_ends_in_its_own_error_and_without_effect_on_the_log"},
	"writes checkpoints outside the transaction":  {func(s *auditmem.Store) audit.Backend { return impatient{s, auditmem.New(memory.Open())} }, "a_rollback_takes_back_what_was_written_to_the_log"},
}

type (
	unelected    struct{ *auditmem.Store }
	staysOpen    struct{ *auditmem.Store }
	gaps         struct{ *auditmem.Store }
	forks        struct{ *auditmem.Store }
	sizesOnly    struct{ *auditmem.Store }
	anySigner    struct{ *auditmem.Store }
	sureOfMove   struct{ *auditmem.Store }
	byID         struct{ *auditmem.Store }
	takesNothing struct{ *auditmem.Store }
	untagged     struct{ *auditmem.Store }
	takesForGood struct {
		*auditmem.Store
		taken bool
	}
	forgetful      struct{ *auditmem.Store }
	counts         struct{ *auditmem.Store }
	sureOfOutcasts struct{ *auditmem.Store }
	narrow         struct{ *auditmem.Store }
	leafText       struct{ *auditmem.Store }
	cutsLeaves     struct{ *auditmem.Store }
	oneBuffer      struct{ *auditmem.Store }
	lenient        struct{ *auditmem.Store }
	piecemeal      struct{ *auditmem.Store }
	late           struct{ *auditmem.Store }
	gapless        struct{ *auditmem.Store }
	filling        struct{ *auditmem.Store }
	knowing        struct{ *auditmem.Store }
	byNumber       struct{ *auditmem.Store }
	indifferent    struct{ *auditmem.Store }
	inclusiveTo    struct{ *auditmem.Store }
	filtersLate    struct{ *auditmem.Store }
	tooEarly       struct{ *auditmem.Store }
	oneForAll      struct {
		*auditmem.Store
		owners map[troth.EntryID]troth.Tenant
	}
	openParts       struct{ *auditmem.Store }
	sureOfRedaction struct{ *auditmem.Store }
	talkative       struct{ *auditmem.Store }
	backwards       struct{ *auditmem.Store }
	generous        struct{ *auditmem.Store }
	recounts        struct{ *auditmem.Store }
	unlimited       struct{ *auditmem.Store }
	hasty           struct{ *auditmem.Store }
	stubborn        struct{ *auditmem.Store }
	nextTile        struct{ *auditmem.Store }
	single          struct{ *auditmem.Store }
	lossy           struct{ *auditmem.Store }
	newest          struct{ *auditmem.Store }
	careless        struct{ *auditmem.Store }
	firstOnly       struct{ *auditmem.Store }
	cutsNotes       struct{ *auditmem.Store }
	sweeping        struct{ *auditmem.Store }
	overshoots      struct{ *auditmem.Store }
	atOnce          struct{ *auditmem.Store }
	deafLog         struct{ *auditmem.Store }
	impatient       struct {
		*auditmem.Store
		other *auditmem.Store
	}
)

// errorOr runs fn unless there is an error.
func errorOr(err error, fn func() (bool, error)) (bool, error) {
	if err != nil {
		return false, err
	}
	return fn()
}

func (s unelected) Elect(context.Context) (bool, error) { return false, nil }

func (s staysOpen) Heads(ctx context.Context) ([]audit.Head, error) {
	heads, err := s.Store.Heads(ctx)
	for i := range heads {
		heads[i].Closed = false
	}
	return heads, err
}

func (s gaps) CreateHead(ctx context.Context, h audit.Head) (bool, error) {
	heads, err := s.Heads(ctx)
	if err == nil && h.Log > len(heads) {
		h.Log = len(heads) + 1
	}
	return errorOr(err, func() (bool, error) { return s.Store.CreateHead(ctx, h) })
}

func (s forks) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	heads, err := s.Heads(ctx)
	if err == nil && len(heads) == m.Log {
		m.FromSize, m.FromRoot = heads[m.Log-1].Size, heads[m.Log-1].Root
	}
	return errorOr(err, func() (bool, error) { return s.Store.MoveHead(ctx, m) })
}

func (s sizesOnly) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	heads, err := s.Heads(ctx)
	if err == nil && len(heads) == m.Log {
		m.FromRoot = heads[m.Log-1].Root
	}
	return errorOr(err, func() (bool, error) { return s.Store.MoveHead(ctx, m) })
}

func (s anySigner) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	heads, err := s.Heads(ctx)
	if err == nil && len(heads) == m.Log {
		m.FromSigner = heads[m.Log-1].Signer
	}
	return errorOr(err, func() (bool, error) { return s.Store.MoveHead(ctx, m) })
}

func (s sureOfMove) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	_, err := s.Store.MoveHead(ctx, m)
	return true, err
}

func (s byID) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	rows, err := s.Store.TakeInbox(ctx, limit)
	slices.SortFunc(rows, func(a, b audit.InboxRow) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return rows, err
}

func (s takesNothing) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	rows, err := s.Store.TakeInbox(ctx, limit)
	for _, row := range rows {
		if _, err := s.Append(ctx, row); err != nil {
			return nil, err
		}
	}
	return rows, err
}

func (s untagged) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	rows, err := s.Store.TakeInbox(ctx, limit)
	for i := range rows {
		rows[i].Tag = [32]byte{}
	}
	return rows, err
}

func (s *takesForGood) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	s.taken = true
	return s.Store.TakeInbox(ctx, limit)
}

func (s *takesForGood) Entries(ctx context.Context, p audit.EntriesPage) ([]audit.InboxRow, error) {
	if s.taken {
		return nil, nil
	}
	return s.Store.Entries(ctx, p)
}

func (s forgetful) Backlog(ctx context.Context) (audit.Backlog, error) {
	b, err := s.Store.Backlog(ctx)
	b.Quarantined = 0
	return b, err
}

func (s counts) Backlog(ctx context.Context) (audit.Backlog, error) {
	b, err := s.Store.Backlog(ctx)
	b.Count += b.Quarantined
	return b, err
}

func (s sureOfOutcasts) Quarantine(ctx context.Context, ids []audit.TenantEntry) (int, error) {
	_, err := s.Store.Quarantine(ctx, ids)
	return len(ids), err
}

func (s narrow) Backlog(ctx context.Context) (audit.Backlog, error) {
	b, err := s.Store.Backlog(ctx)
	b.Quarantined = min(b.Quarantined, 1)
	return b, err
}

func (s leafText) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Leaf = bytes.ToValidUTF8(rows[i].Leaf, []byte("?"))
	}
	return s.Store.AppendLog(ctx, rows)
}

func (s cutsLeaves) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Leaf = rows[i].Leaf[:min(len(rows[i].Leaf), audit.MaxLeaf)]
	}
	return s.Store.AppendLog(ctx, rows)
}

func (s oneBuffer) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Store.LogRange(ctx, log, from, limit)
	var all []byte
	for _, row := range rows {
		all = append(all, row.Leaf...)
	}
	for i := range rows {
		n := len(rows[i].Leaf)
		rows[i].Leaf, all = all[:n], all[n:]
	}
	return rows, err
}

func (s lenient) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	if err := s.Store.AppendLog(ctx, rows); !errors.Is(err, audit.ErrDuplicate) {
		return err
	}
	return nil
}

func (s piecemeal) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	for _, row := range rows {
		if err := s.Store.AppendLog(ctx, []audit.LogRow{row}); err != nil {
			return err
		}
	}
	return nil
}

func (s late) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	return s.Store.LogRange(ctx, log, from+1, limit)
}

func (s gapless) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Store.LogRange(ctx, log, from, limit)
	for i, row := range rows {
		if row.Index != from+uint64(i) {
			return rows[:i], err
		}
	}
	return rows, err
}

func (s filling) LeafHashes(ctx context.Context, log int, from, to uint64) ([]byte, error) {
	hashes, err := s.Store.LeafHashes(ctx, log, from, to)
	if err != nil || to > 599 {
		return hashes, err
	}
	return append(hashes, make([]byte, int(to-from)*32-len(hashes))...), nil
}

func (s knowing) Known(ctx context.Context, ids []audit.TenantEntry) ([]audit.TenantEntry, error) {
	if _, err := s.Store.Known(ctx, ids); err != nil {
		return nil, err
	}
	return ids, nil
}
