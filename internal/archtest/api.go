package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"slices"
	"strings"
)

// API returns the declarations of everything that the package exports, without
// bodies and comments, in the order of their names. What is not exported is
// left out, fields and methods too: a change in the text is a change that a
// caller can see.
func API(p *Package) (string, error) {
	src, err := parse(p)
	if err != nil {
		return "", err
	}
	var entries []entry
	for _, f := range src.files {
		ast.FileExports(f)
		for _, d := range f.Decls {
			entries = append(entries, declared(d)...)
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var out bytes.Buffer
	for _, e := range entries {
		text, err := render(e.node)
		if err != nil {
			return "", fmt.Errorf("archtest: print %s: %w", e.name, err)
		}
		fmt.Fprintf(&out, "%s\n", text)
	}
	return out.String(), nil
}

// entry is one declaration; methods are named Type.Method, so that they follow
// their type.
type entry struct {
	name string
	node ast.Node
}

func declared(d ast.Decl) []entry {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if !exported(d) {
			return nil
		}
		d.Doc, d.Body = nil, nil
		name := d.Name.Name
		if r := receiver(d); r != "" {
			name = r + "." + name
		}
		return []entry{{name, d}}
	case *ast.GenDecl:
		return specs(d)
	}
	return nil
}

// specs splits a declaration of several names, except for constants, whose
// values may depend on their neighbours.
func specs(d *ast.GenDecl) (out []entry) {
	d.Doc = nil
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			s.Doc, s.Comment = nil, nil
			out = append(out, entry{s.Name.Name, &ast.GenDecl{Tok: token.TYPE, Specs: []ast.Spec{s}}})
		case *ast.ValueSpec:
			s.Doc, s.Comment = nil, nil
			if d.Tok == token.VAR {
				s.Values = initial(s)
				out = append(out, entry{s.Names[0].Name, &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{s}}})
			}
		}
	}
	if d.Tok == token.CONST && len(d.Specs) > 0 {
		if first, ok := d.Specs[0].(*ast.ValueSpec); ok {
			out = append(out, entry{first.Names[0].Name, d})
		}
	}
	return out
}

// initial keeps a variable's value where its type cannot be read otherwise.
func initial(s *ast.ValueSpec) []ast.Expr {
	if s.Type != nil {
		return nil
	}
	return s.Values
}

// render prints a node as Go source. Positions are dropped with the file set,
// so that moving code about changes nothing.
func render(node ast.Node) (string, error) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.StructType:
			n.Incomplete = false
		case *ast.InterfaceType:
			n.Incomplete = false
		}
		return true
	})
	var b bytes.Buffer
	err := (&printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}).Fprint(&b, token.NewFileSet(), node)
	return b.String(), err
}
