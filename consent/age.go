package consent

import (
	"bytes"
	_ "embed" // for the age limits
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

//go:embed data/ages.json
var shippedAges []byte

// AgeTable is from which age on a child's own consent to online services is
// enough, by country (GDPR Article 8(1) and what stands in its place elsewhere).
type AgeTable struct {
	version string
	asOf    string
	other   int
	limits  map[string]AgeLimit
}

// AgeLimit is the limit of one country, with where it stands.
type AgeLimit struct {
	// Country is an ISO 3166-1 code of two letters.
	Country string `json:"country"`
	Age     int    `json:"age"`
	// Source names the statute, AsOf since when it says so, as YYYY-MM-DD.
	Source string `json:"source"`
	AsOf   string `json:"asOf"`
	// Verified is on which day both the age and its source were found in public
	// text, as YYYY-MM-DD; empty where they were not, and the row is from memory.
	// Evidence says what was found, also where it was not enough.
	Verified string `json:"verified,omitempty"`
	Evidence string `json:"evidence,omitempty"`
}

// ShippedAges are the limits that come with this package, collected on the day
// that AsOf gives. They are no legal advice, laws change, and of some rows the source
// was not found in public text, see [AgeLimit]: check those that matter to you, and
// see [ParseAges] for a table of your own.
var ShippedAges = sync.OnceValue(func() *AgeTable {
	t, err := ParseAges(shippedAges)
	if err != nil {
		panic(err) // a test reads the file
	}
	return t
})

// ParseAges reads a table as data/ages.json has it.
func ParseAges(b []byte) (*AgeTable, error) {
	var file struct {
		Version string     `json:"version"`
		AsOf    string     `json:"asOf"`
		Default int        `json:"default"`
		Limits  []AgeLimit `json:"limits"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("consent: read ages: %w", err)
	}
	if err := checkID("version", file.Version, 64); err != nil {
		return nil, err
	}
	if file.Default < 1 || file.Default > 150 || !isDay(file.AsOf) {
		return nil, errors.New("consent: ages without a default or a date")
	}
	t := &AgeTable{version: file.Version, asOf: file.AsOf, other: file.Default, limits: map[string]AgeLimit{}}
	for _, limit := range file.Limits {
		_, twice := t.limits[limit.Country]
		if limit.Verified != "" && (!isDay(limit.Verified) || limit.Evidence == "") {
			return nil, errors.New("consent: an age limit was verified on no day, or by nothing")
		}
		if !isCountry(limit.Country) || limit.Age < 1 || limit.Age > 150 || limit.Source == "" || !isDay(limit.AsOf) || twice {
			return nil, errors.New("consent: an age limit lacks its country, age, source or date, or stands twice")
		}
		t.limits[limit.Country] = limit
	}
	return t, nil
}

// Version names the table in events.
func (t *AgeTable) Version() string { return t.version }

// AsOf is the day on which it was collected, as YYYY-MM-DD.
func (t *AgeTable) AsOf() string { return t.asOf }

// Limit is the age of a country; the default where the table does not have it.
func (t *AgeTable) Limit(country string) int {
	if limit, ok := t.limits[country]; ok {
		return limit.Age
	}
	return t.other
}

// Limits are all rows, by country.
func (t *AgeTable) Limits() []AgeLimit {
	return slices.SortedFunc(maps.Values(t.limits), func(a, b AgeLimit) int { return strings.Compare(a.Country, b.Country) })
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// judgeAge applies the purpose's age rule to who consents.
func (one *draft) judgeAge(age *Age, table *AgeTable, said time.Time) error {
	e := &one.event
	if !e.Kind.consents() && e.Kind != Requested || one.terms.Age == AnyAge || e.Kind == Confirmed {
		return nil
	}
	if age == nil {
		return ErrAge
	}
	if !isCountry(age.Country) || age.Years < 0 || age.Years > 150 {
		return &troth.IdentifierError{Kind: "age", Reason: "has no country, or years that nobody lives"}
	}
	limit := table.Limit(age.Country)
	if one.terms.Age == NotForChildren && one.terms.MinimumAge > 0 {
		limit = max(limit, one.terms.MinimumAge)
	}
	minor := age.Years < limit
	if minor && one.terms.Age == NotForChildren {
		one.tooYoung = true
		return nil
	}
	e.Age = AgeResult{Country: age.Country, Limit: limit, Table: table.version, Minor: minor}
	if minor {
		// Who has completed so many years reaches the limit no later than this.
		latest := said.AddDate(limit-age.Years, 0, 0)
		if !age.ComesOfAge.IsZero() && age.ComesOfAge.Before(latest) {
			latest = age.ComesOfAge
		}
		e.Age.ComesOfAge = monthAfter(latest)
	}
	return nil
}

// monthAfter is the first day of the next month: near enough to ask again, and no
// birthday.
func monthAfter(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}
