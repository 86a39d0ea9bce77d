package browser

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Tab is one tab.
type Tab struct {
	b       *Browser
	t       testing.TB
	session string
	// Complaints are what the browser's console says: errors, and breaches of the
	// page's policy.
	Complaints []string
}

// Open opens a tab that runs no script at all, and is closed with the test.
func (b *Browser) Open(t testing.TB) *Tab {
	t.Helper()
	var target struct{ TargetID string }
	b.call(t, "", "Target.createTarget", fields{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call(t, "", "Target.attachToTarget", fields{"targetId": target.TargetID, "flatten": true}, &attached)
	tab := &Tab{b: b, t: t, session: attached.SessionID}
	t.Cleanup(func() { b.call(t, "", "Target.closeTarget", fields{"targetId": target.TargetID}, nil) })
	for _, domain := range []string{"Page", "Log", "Accessibility"} {
		tab.call(domain+".enable", nil, nil)
	}
	tab.call("Emulation.setScriptExecutionDisabled", fields{"value": true}, nil)
	tab.call("Emulation.setFocusEmulationEnabled", fields{"enabled": true}, nil)
	return tab
}

func (t *Tab) call(method string, params, out any) {
	t.t.Helper()
	t.b.call(t.t, t.session, method, params, out)
}

// Look sets the width and height of the view, its colours ("light" or "dark"), and
// the languages that the reader wants.
func (t *Tab) Look(width, height int, colours, languages string) {
	t.t.Helper()
	t.call("Emulation.setDeviceMetricsOverride", fields{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	t.call("Emulation.setEmulatedMedia", fields{"features": []fields{{"name": "prefers-color-scheme", "value": colours}}}, nil)
	var version struct{ UserAgent string }
	t.b.call(t.t, "", "Browser.getVersion", nil, &version)
	t.call("Emulation.setUserAgentOverride", fields{"userAgent": version.UserAgent, "acceptLanguage": languages}, nil)
}

// Go opens a URL and waits until it is there.
func (t *Tab) Go(url string) {
	t.t.Helper()
	t.waitLoad(func() { t.call("Page.navigate", fields{"url": url}, nil) })
}

// waitLoad does what leads to another page, and waits for that.
func (t *Tab) waitLoad(do func()) {
	t.t.Helper()
	t.drain()
	do()
	deadline := time.After(patience)
	for {
		select {
		case e := <-t.b.events:
			t.note(e)
			if e.Session == t.session && e.Method == "Page.loadEventFired" {
				return
			}
		case <-t.b.ended:
			t.t.Fatal("the browser ended")
		case <-deadline:
			t.t.Fatal("the page did not load")
		}
	}
}

func (t *Tab) drain() {
	for {
		select {
		case e := <-t.b.events:
			t.note(e)
		default:
			return
		}
	}
}

func (t *Tab) note(e Event) {
	if e.Session != t.session || e.Method != "Log.entryAdded" {
		return
	}
	t.Complaints = append(t.Complaints, describe(e.Method, e.Params))
}

// keys are those that people use who have no mouse.
var keys = map[string]struct {
	code int
	text string
}{
	"Tab": {9, ""}, "Enter": {13, "\r"}, " ": {32, " "}, "ArrowDown": {40, ""}, "ArrowUp": {38, ""},
}

// Press presses keys one after the other. "Shift+Tab" goes back.
func (t *Tab) Press(names ...string) {
	t.t.Helper()
	for _, name := range names {
		key, shift := strings.CutPrefix(name, "Shift+")
		k, ok := keys[key]
		if !ok {
			t.t.Fatalf("no such key: %q", name)
		}
		event := fields{"type": "keyDown", "key": key, "windowsVirtualKeyCode": k.code, "code": codeOf(key)}
		if k.text != "" {
			event["text"] = k.text
		}
		if shift {
			event["modifiers"] = 8
		}
		t.call("Input.dispatchKeyEvent", event, nil)
		delete(event, "text")
		event["type"] = "keyUp"
		t.call("Input.dispatchKeyEvent", event, nil)
	}
}

func codeOf(key string) string {
	if key == " " {
		return "Space"
	}
	return key
}

// Submit presses a key that leads to another page.
func (t *Tab) Submit(key string) {
	t.t.Helper()
	t.waitLoad(func() { t.Press(key) })
}

// Type types text where the focus is.
func (t *Tab) Type(text string) {
	t.t.Helper()
	t.call("Input.insertText", fields{"text": text}, nil)
}

// Node is what a screen reader is told of one thing on the page.
type Node struct {
	Role, Name string
	Focused    bool
	Checked    bool
	Disabled   bool
	Invalid    bool
	Level      int
}

// Tree is what a screen reader is told, in the order of reading.
func (t *Tab) Tree() []Node {
	t.t.Helper()
	type value struct{ Value any }
	var out struct {
		Nodes []struct {
			Ignored    bool
			Role, Name value
			Properties []struct {
				Name  string
				Value value
			}
		}
	}
	t.call("Accessibility.getFullAXTree", nil, &out)
	var all []Node
	for _, n := range out.Nodes {
		if n.Ignored {
			continue
		}
		node := Node{}
		node.Role, _ = n.Role.Value.(string)
		node.Name, _ = n.Name.Value.(string)
		for _, p := range n.Properties {
			set := slices.Contains([]any{true, "true"}, p.Value.Value)
			switch p.Name {
			case "focused":
				node.Focused = set
			case "checked":
				node.Checked = set
			case "disabled":
				node.Disabled = set
			case "invalid":
				node.Invalid = set
			case "level":
				level, _ := p.Value.Value.(float64)
				node.Level = int(level)
			}
		}
		all = append(all, node)
	}
	return all
}

// Focus is what has the focus.
func (t *Tab) Focus() Node {
	t.t.Helper()
	tree := t.Tree()
	i := slices.IndexFunc(tree, func(n Node) bool { return n.Focused && n.Role != "RootWebArea" })
	if i < 0 {
		return Node{}
	}
	return tree[i]
}

// Find returns the nodes of a role.
func (t *Tab) Find(role string) []Node {
	t.t.Helper()
	return slices.DeleteFunc(t.Tree(), func(n Node) bool { return n.Role != role })
}

// Width is that of the content; wider than the view means that people must scroll
// sideways.
func (t *Tab) Width() int {
	t.t.Helper()
	var out struct{ CSSContentSize struct{ Width float64 } }
	t.call("Page.getLayoutMetrics", nil, &out)
	return int(out.CSSContentSize.Width)
}

// HTML is the page as the browser has it.
func (t *Tab) HTML() string {
	t.t.Helper()
	var doc struct{ Root struct{ NodeID int } }
	t.call("DOM.getDocument", nil, &doc)
	var out struct{ OuterHTML string }
	t.call("DOM.getOuterHTML", fields{"nodeId": doc.Root.NodeID}, &out)
	return out.OuterHTML
}

// Title is what the tab and the history show, and URL where it is.
func (t *Tab) Title() (title, url string) {
	t.t.Helper()
	var out struct {
		CurrentIndex int
		Entries      []struct{ Title, URL string }
	}
	t.call("Page.getNavigationHistory", nil, &out)
	e := out.Entries[out.CurrentIndex]
	return e.Title, e.URL
}

// Picture writes a screenshot where TROTH_SCREENSHOTS wants them, and demands that
// one can be made in any case.
func (t *Tab) Picture(name string) {
	t.t.Helper()
	var out struct{ Data string }
	t.call("Page.captureScreenshot", fields{"format": "png"}, &out)
	png, err := base64.StdEncoding.DecodeString(out.Data)
	if err != nil || len(png) == 0 {
		t.t.Fatalf("no picture of %s: %v", name, err)
	}
	if dir := Screenshots(); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
			t.t.Fatal(err)
		}
	}
}
