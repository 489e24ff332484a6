// Package surrogate approximates a log density around its mode by a polynomial of
// degree 4 in whitened coordinates: a density that costs a microsecond and has a
// gradient, whatever the number of days behind the original. It knows nothing of
// returns; package nuts corrects what is drawn from it.
package surrogate

// polynomial is a polynomial of degree 4 in d variables. Its coefficients are in the
// order in which at goes through the monomials, those of a variable after all that
// have variables of lower index only:
//
//	c + sum_i z_i (c_i + sum_{j<=i} z_j (c_ij + sum_{k<=j} z_k (c_ijk + sum_{l<=k} z_l c_ijkl)))
type polynomial struct {
	dim  int
	coef []float64
}

// terms is the number of monomials of degree 4 and less in dim variables.
func terms(dim int) int {
	return (dim + 1) * (dim + 2) * (dim + 3) * (dim + 4) / 24
}

// at returns the value at z and writes the gradient.
func (p *polynomial) at(z, grad []float64) float64 {
	dim := p.dim
	z, grad = z[:dim], grad[:dim]
	clear(grad)
	coef := p.coef
	value := coef[0]
	coef = coef[1:]
	for i, zi := range z {
		a := coef[0] // of z_i
		coef = coef[1:]
		for j, zj := range z[:i+1] {
			b := coef[0]
			coef = coef[1:]
			zij := zi * zj
			for k, zk := range z[:j+1] {
				row := coef[:k+2]
				coef = coef[k+2:]
				c, zijk := row[0], zij*zk
				row = row[1:]
				g := grad[:len(row)]
				x := z[:len(row)]
				for l, v := range row {
					c += v * x[l]
					g[l] += v * zijk
				}
				b += c * zk
				grad[k] += c * zij
			}
			a += b * zj
			grad[j] += b * zi
		}
		value += a * zi
		grad[i] += a
	}
	return value
}

// monomials writes the monomials at z, in the order of the coefficients, and their
// derivatives, one row of slopes for each variable, if slopes is not nil.
func monomials(z, values []float64, slopes [][]float64) {
	dim := len(z)
	n := 0
	add := func(indices ...int) {
		v := 1.0
		for _, i := range indices {
			v *= z[i]
		}
		values[n] = v
		for s := range slopes {
			slope := 0.0
			for at, i := range indices {
				if i != s {
					continue
				}
				rest := 1.0
				for other, j := range indices {
					if other != at {
						rest *= z[j]
					}
				}
				slope += rest
			}
			slopes[s][n] = slope
		}
		n++
	}
	add()
	for i := range dim {
		add(i)
		for j := range i + 1 {
			add(i, j)
			for k := range j + 1 {
				add(i, j, k)
				for l := range k + 1 {
					add(i, j, k, l)
				}
			}
		}
	}
}

// degrees are those of the monomials, in the order of the coefficients.
func degrees(dim int) []int {
	list := []int{0}
	for i := range dim {
		list = append(list, 1)
		for j := range i + 1 {
			list = append(list, 2)
			for k := range j + 1 {
				list = append(list, 3)
				for range k + 1 {
					list = append(list, 4)
				}
			}
		}
	}
	return list
}
