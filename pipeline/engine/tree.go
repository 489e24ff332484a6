package engine

import (
	"encoding/json"
	"fmt"

	"allocate/returns"
)

// Tree is a result of several parts, each a content of its own, so that a
// later action can depend on one part and not on the others.
type Tree struct {
	Parts    []Part            `json:"parts"`
	Extra    []Part            `json:"extra,omitempty"` // contents beside the parts, such as a digest
	Findings []returns.Finding `json:"findings,omitempty"`
}

// Part is one content of a Tree.
type Part struct {
	Name    string    `json:"name"`
	Content ContentID `json:"content"`
}

// Encode returns the tree as a stage's result.
func (t Tree) Encode() ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("engine: tree: %w", err)
	}
	return b, nil
}

// DecodeTree reads what Encode returns.
func DecodeTree(b []byte) (Tree, error) {
	var t Tree
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("engine: tree: %w", err)
	}
	return t, nil
}

// Beside returns the content of that name beside the parts, "" if there is none.
func (t Tree) Beside(name string) ContentID {
	for _, p := range t.Extra {
		if p.Name == name {
			return p.Content
		}
	}
	return ""
}

func (t Tree) contents() []ContentID {
	var ids []ContentID
	for _, p := range t.Parts {
		ids = append(ids, p.Content)
	}
	for _, p := range t.Extra {
		ids = append(ids, p.Content)
	}
	return ids
}

// Contents returns the contents that the result of a stage names, nil where it
// is no Tree.
func (s Stage) Contents(result []byte) []ContentID {
	if !s.Tree {
		return nil
	}
	t, err := DecodeTree(result)
	if err != nil {
		return nil
	}
	return t.contents()
}
