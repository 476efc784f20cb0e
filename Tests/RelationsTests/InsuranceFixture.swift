import Relations

/// The configuration of the application that the first backups came from.
enum Insurance {
    static let yaml = """
        collections:
          customers: {}
          policies:
            references:
              customerId: customers
              coverageTypeId: coverageTypes
              vehicles[].drivers[].customerId: customers   # [] = every element
            types: {start: date, premium: decimal}         # for legacy rows
          payments:
            references: {policyId: policies}
          receipts:
            references: {paymentId: payments}
          users:
          rolePermissions:
            collection: rolepermissions
          coverageTypes:
            collection: coveragetypes                      # the database's name, where it differs from the file's
          statementRecipients:
            collection: statementrecipients
            references:
              customerId: {to: customers, optional: true}
        exclude: [auditlogs, deleterequests, "chat*"]
        """

    static func configuration() throws -> Configuration {
        try Configuration.parse(yaml: yaml, file: "mongoferry.yaml")
    }
}
