package consent

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// GPC reports whether a request carries the signal of Global Privacy Control: one
// header Sec-GPC that says "1". Anything else says nothing, and absence is not
// consent (W3C, Global Privacy Control, section 3).
func GPC(h http.Header) bool {
	values := h.Values("Sec-GPC")
	return len(values) == 1 && values[0] == "1"
}

// Signal is a signal of Global Privacy Control that somebody sent.
type Signal struct {
	// ID is the host's for this request, as in [Form].
	ID      string
	Subject troth.Subject
	// Purposes are those that the signal speaks of where the host is: sale and
	// sharing of data, targeted advertising.
	Purposes []troth.Purpose
	Evidence Evidence
}

// RecordGPC records an objection to those of the purposes that are not denied by
// what the person said already. The signal comes with every request, and is said
// anew with each: who grants a purpose while their browser sends it has objected
// again by the next request. It returns the events, none if all was denied.
func (l *Ledger) RecordGPC(ctx context.Context, s Signal) (events []Event, err error) {
	queries := make([]troth.ObjectionQuery, len(s.Purposes))
	for i, p := range s.Purposes {
		queries[i] = troth.ObjectionQuery{Subject: s.Subject, Purpose: p}
	}
	answers, err := l.Objected(ctx, queries)
	if err != nil {
		return nil, err
	}
	f := Form{ID: s.ID, Subject: s.Subject, Method: ByGPC, Channel: OnWeb, Evidence: s.Evidence}
	for i, a := range answers {
		if !a.Objected {
			f.Choices = append(f.Choices, Choice{Purpose: s.Purposes[i], Kind: Objected})
		}
	}
	if len(f.Choices) == 0 {
		return nil, nil
	}
	return l.Record(ctx, f)
}

// GPCPath is where a site says that it heeds Global Privacy Control.
const GPCPath = "/.well-known/gpc.json"

// GPCHandler answers GET and HEAD of [GPCPath]: the site heeds the signal, as last
// changed on the given day.
func GPCHandler(lastUpdate time.Time) http.Handler {
	body, err := json.Marshal(struct {
		GPC        bool   `json:"gpc"`
		LastUpdate string `json:"lastUpdate"`
	}{true, lastUpdate.UTC().Format(time.DateOnly)})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		case err != nil:
			http.Error(w, "not available", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body)
	})
}

// GoogleSignals are the seven of Google Consent Mode, version 2: four consent types
// and three privacy parameters, by the names of Google's own reference, as read on
// 2026-11-26. The zero value denies everything.
type GoogleSignals struct {
	AdStorage, AdUserData, AdPersonalization, AnalyticsStorage    bool
	FunctionalityStorage, PersonalizationStorage, SecurityStorage bool
}

// GooglePurposes say which of a host's purposes must be allowed for each signal;
// a signal without any is denied.
type GooglePurposes struct {
	AdStorage, AdUserData, AdPersonalization, AnalyticsStorage    []troth.Purpose
	FunctionalityStorage, PersonalizationStorage, SecurityStorage []troth.Purpose
}

// Signals maps decisions to Google's signals: one is granted if every purpose that
// it needs is among the decisions and allowed. It is pure.
func (g GooglePurposes) Signals(decisions ...Decision) GoogleSignals {
	granted := func(purposes []troth.Purpose) bool {
		for _, p := range purposes {
			allowed := false
			for _, d := range decisions {
				if d.Purpose != p {
					continue
				}
				if !d.Allowed {
					return false // of several decisions on a purpose none may deny
				}
				allowed = true
			}
			if !allowed {
				return false
			}
		}
		return len(purposes) > 0
	}
	return GoogleSignals{
		AdStorage: granted(g.AdStorage), AdUserData: granted(g.AdUserData),
		AdPersonalization: granted(g.AdPersonalization), AnalyticsStorage: granted(g.AnalyticsStorage),
		FunctionalityStorage: granted(g.FunctionalityStorage), PersonalizationStorage: granted(g.PersonalizationStorage),
		SecurityStorage: granted(g.SecurityStorage),
	}
}

// MarshalJSON writes the object that gtag's 'consent' command takes, in the order
// in which Google lists the signals.
func (s GoogleSignals) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for i, one := range []struct {
		name string
		on   bool
	}{
		{"ad_storage", s.AdStorage},
		{"ad_user_data", s.AdUserData},
		{"ad_personalization", s.AdPersonalization},
		{"analytics_storage", s.AnalyticsStorage},
		{"functionality_storage", s.FunctionalityStorage},
		{"personalization_storage", s.PersonalizationStorage},
		{"security_storage", s.SecurityStorage},
	} {
		word := "denied"
		if one.on {
			word = "granted"
		}
		b.WriteString([]string{"{", ","}[min(i, 1)] + `"` + one.name + `":"` + word + `"`)
	}
	return []byte(b.String() + "}"), nil
}
