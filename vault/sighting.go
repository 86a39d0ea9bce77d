package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// sightings are what one person is about to see, by data subject, in the order
// in which the subjects came.
type sightings struct {
	order []KeyName
	by    map[KeyName]*sighting
}

type sighting struct {
	compartments []troth.Compartment
	columns      []string
	values       int
}

func newSightings() *sightings { return &sightings{by: make(map[KeyName]*sighting)} }

func (s *sightings) add(name *KeyName, cell *troth.Cell) {
	k := personKey(name.Tenant, name.SubjectID)
	at := s.by[k]
	if at == nil {
		at = &sighting{}
		s.by[k] = at
		s.order = append(s.order, k)
	}
	at.compartments = append(at.compartments, name.Compartment)
	at.columns = append(at.columns, columnWord(cell))
	at.values++
}

// columnWord names the column as table.column, or by the table alone where both
// together would be no identifier any more.
func columnWord(cell *troth.Cell) string {
	if len(cell.Table)+1+len(cell.Column) > troth.MaxIdentifier {
		return cell.Table
	}
	return cell.Table + "." + cell.Column
}

// recordSightings commits one entry for each data subject, all together.
func (v *Vault) recordSightings(ctx context.Context, p troth.Purpose, seen *sightings) error {
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		for _, k := range seen.order {
			at := seen.by[k]
			err := v.record(ctx, troth.Entry{
				Act: actOpen, Tenant: k.Tenant, SubjectID: k.SubjectID, Purpose: p,
				Facts: troth.Facts{
					"compartments": troth.Words(at.compartments...),
					"columns":      troth.Words(at.columns...),
					"values":       troth.Count(at.values),
				},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
