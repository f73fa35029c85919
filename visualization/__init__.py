"""Pictures for people: names on boxes in any script, one stable colour per name, contact sheets and plots."""
