package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// mailer plays the shop's mail provider. The answer to its first call is lost, though
// it did what it was asked.
type mailer struct {
	mu         sync.Mutex
	suppressed map[string]int
	contacts   map[string]bool
	calls      int
}

func (m *mailer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Address string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch r.URL.Path {
	case "/suppressions":
		m.suppressed[body.Address]++
	case "/removals":
		delete(m.contacts, body.Address)
	case "/lookups":
		fmt.Fprintf(w, `{"suppressed":%v,"contact":%v}`, m.suppressed[body.Address] > 0, m.contacts[body.Address])
	}
	if m.calls++; m.calls == 1 {
		w.WriteHeader(http.StatusBadGateway)
	}
}
