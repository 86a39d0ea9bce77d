package retention

import "slices"

// tail is the longest time that a copy of a record outlives the order to destroy
// it, and the copies that make it up.
type tail struct {
	days  int
	parts []Part
}

// tail returns that of a class, over the copies that are named, or all.
func (p *Policy) tail(c *Class, names []string) (longest tail) {
	for _, name := range p.copiesOf(c) {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		t := tail{}
		for _, on := range p.way(name) {
			if days := maxDays(on.Lag) + maxDays(on.Rotation); days > 0 {
				t.days += days
				t.parts = append(t.parts, Part{Name: on.Name, Days: days})
			}
		}
		if t.days > longest.days {
			longest = t
		}
	}
	return longest
}
