package deadline

import (
	"slices"
	"time"
)

// The computed calendars cover these years. Before, laws differ that nobody
// counts by any more; after, what rules foretell is worth little, since new
// holidays are made every few years.
const (
	firstYear = 2018
	lastYear  = 2035
)

// holiday is a day that is kept, on the day on which it is kept.
type holiday struct {
	date Date
	name string
}

// computed is a calendar whose weeks end with Saturday and Sunday and whose
// holidays follow from a rule. Nothing in it changes once it is built.
type computed struct {
	name        string
	first, last Date
	start       int       // number of first
	closed      []uint64  // a bit for each day from first: set unless it is a working day
	holidays    []holiday // by date, one for each day
}

// compute builds a calendar from the holidays of each year. A year may give a day
// of the one before: a New Year's Day kept on 31 December.
func compute(name string, holidaysOf func(year int) []holiday) *computed {
	c := &computed{
		name:  name,
		first: Date{firstYear, time.January, 1},
		last:  Date{lastYear, time.December, 31},
	}
	c.start = c.first.number()
	days := c.last.Sub(c.first) + 1
	c.closed = make([]uint64, (days+63)/64)
	for i := range days {
		if weekend(c.first.AddDays(i)) {
			c.close(i)
		}
	}
	for year := firstYear; year <= lastYear+1; year++ {
		for _, h := range holidaysOf(year) {
			if !h.date.Before(c.first) && !h.date.After(c.last) {
				c.close(h.date.number() - c.start)
				c.holidays = append(c.holidays, h)
			}
		}
	}
	slices.SortStableFunc(c.holidays, func(a, b holiday) int { return a.date.Compare(b.date) })
	return c
}

func (c *computed) close(i int) { c.closed[i/64] |= 1 << (i % 64) }

func (c *computed) Name() string { return c.name }

func (c *computed) Covers() (first, last Date) { return c.first, c.last }

func (c *computed) Working(d Date) (bool, error) {
	if err := covered(c, d); err != nil {
		return false, err
	}
	i := d.number() - c.start
	return c.closed[i/64]&(1<<(i%64)) == 0, nil
}

func (c *computed) Holiday(d Date) (string, bool) {
	i, found := slices.BinarySearchFunc(c.holidays, d, func(h holiday, d Date) int { return h.date.Compare(d) })
	if !found {
		return "", false
	}
	return c.holidays[i].name, true
}
