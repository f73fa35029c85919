"""What a person's labelling needs: drafts, an order, a check, LabelImg, other formats."""
