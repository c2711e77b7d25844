"""What people ranked: how far they agree, a store for many at once, forms in which labels travel."""
