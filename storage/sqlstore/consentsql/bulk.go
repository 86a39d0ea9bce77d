package consentsql

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Reading the states of many people on PostgreSQL. To look somebody up in the index
// costs several times what reading on to the next entry does. So as long as most of
// the people whom the index holds are asked about, as when a host goes through its
// customers in the order of their ids, their range of it is read; and else, each is
// looked up. Which of them it is shows with the first rows that were read.
const (
	// firstStride is how much is read to find out, and a stride how much at once
	// then.
	firstStride, stride = 512, 4096
	// worth is of how many rows of a range one must have been asked about to go on
	// with it.
	worth = 6
)

// statesInBulk reads the states of the people of ids, who are in order and each
// once.
func (s *Store) statesInBulk(ctx context.Context, tenant troth.Tenant, p troth.Purpose, ids []string) ([]consent.StateRow, error) {
	found := make([]consent.StateRow, 0, len(ids))
	for limit := firstStride; len(ids) > firstStride; limit = stride {
		rows, err := s.packed(ctx, tenant, p, s.q.statesBetween, ids[0], ids[len(ids)-1], limit)
		if err != nil {
			return nil, err
		}
		before := len(found)
		found, ids = meet(found, rows, ids)
		if len(rows) < limit {
			return found, nil // there are no more
		}
		if (len(found)-before)*worth < len(rows) {
			break
		}
	}
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := s.packed(ctx, tenant, p, s.q.statesOf, texts(ids))
	if err != nil {
		return nil, err
	}
	found, _ = meet(found, rows, ids)
	return found, nil
}

// meet appends to found the rows of people who were asked for, and returns of ids
// those who come after all rows. Both are in order.
func meet(found, rows []consent.StateRow, ids []string) (more []consent.StateRow, after []string) {
	for i := range rows {
		for len(ids) > 0 && ids[0] < rows[i].SubjectID {
			ids = ids[1:]
		}
		if len(ids) == 0 {
			break
		}
		if ids[0] == rows[i].SubjectID {
			found, ids = append(found, rows[i]), ids[1:]
		}
	}
	return found, ids
}

// packed reads the rows of a query that gives them all in one value: ten thousand
// rows cost the protocol and the driver more than the database. Each is the lengths
// of the person's id and of the record, 32 bits each, and then both. They come in
// the order of the ids.
func (s *Store) packed(ctx context.Context, tenant troth.Tenant, p troth.Purpose, query string, args ...any) ([]consent.StateRow, error) {
	var all []byte
	_, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), query, append([]any{string(tenant), string(p)}, args...), &all)
	if err != nil {
		return nil, err
	}
	rows := make([]consent.StateRow, 0, len(all)/128)
	sorted := true
	for len(all) > 0 {
		if len(all) < 8 {
			return nil, consent.ErrRecord
		}
		name, size := uint64(binary.BigEndian.Uint32(all)), uint64(binary.BigEndian.Uint32(all[4:]))
		if all = all[8:]; size > maxState || name+size > uint64(len(all)) {
			return nil, consent.ErrRecord
		}
		row := consent.StateRow{Tenant: tenant, Purpose: p, SubjectID: string(all[:name]), Record: all[name : name+size : name+size]}
		sorted = sorted && (len(rows) == 0 || rows[len(rows)-1].SubjectID < row.SubjectID)
		rows, all = append(rows, row), all[name+size:]
	}
	if !sorted { // the database promises no order of what it puts together
		slices.SortFunc(rows, func(a, b consent.StateRow) int { return strings.Compare(a.SubjectID, b.SubjectID) })
	}
	return rows, nil
}

// texts is PostgreSQL's array of texts, which the driver does not know.
func texts(all []string) string {
	var b strings.Builder
	b.WriteByte('{')
	quote := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	for i, s := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		if strings.ContainsAny(s, `"\`) {
			s = quote.Replace(s)
		}
		b.WriteString(s)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
